"""Networks for machines without torch: as ONNX graphs, and as folders that hold a whole city.

`traced`, `weight_forms`, `verification` and `model_file` write a graph and need torch and onnx.
`session` computes one with onnxruntime, `metadata` is what a graph says of itself, `weights_list`
and `city_folder` are JSON files beside it: these need neither. `backend` lets onnxruntime compute a
network of a study. docs/phone-export.md describes all files.
"""
