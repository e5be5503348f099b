"""Vector tiles of an export: outlines.py cuts shapes to tiles, encoding.py writes a tile, pmtiles_file.py the file.

The code works on whole columns because the libraries are too slow for a county. For 100,000 parcels on three zoom
levels GDAL's writer takes 14 s, and its file holds one layer; mapbox-vector-tile, a Python loop, takes minutes.
"""
