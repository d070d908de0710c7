"""What makes a city of a model and photographs: names, thumbnails, a threshold, the page.

`api.packing` puts them together with the graph and the map. `city_server` shows the folder to a
browser on the same machine. docs/city.md is about all of it.
"""
