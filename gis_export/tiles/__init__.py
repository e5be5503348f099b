"""Vector tiles of an export: outlines.py cuts shapes to tiles, encoding.py writes tiles, pmtiles_file.py the file.

Written here, on columns, because the libraries are too slow for a county: 100,000 parcels on three zoom levels take
GDAL's writer 14 s, which holds one layer a file besides, and mapbox-vector-tile, a Python loop, minutes.
"""
