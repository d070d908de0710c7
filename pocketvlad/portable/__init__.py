"""Networks for machines without torch: as ONNX graphs, and as folders that hold a whole city.

`traced`, `weight_forms`, `metadata`, `verification` and `model_file` write a graph and need torch
and onnx. `session` computes one with onnxruntime, `weights_list` and `city_folder` are JSON files
beside it: these three need neither. docs/phone-export.md describes all files.
"""
