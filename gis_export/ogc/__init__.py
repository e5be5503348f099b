"""OGC API - Features: a county's layers as a live source for any GIS.

Sources: OGC 17-069r4 (core) and OGC 18-058r1 (coordinate reference systems).
"""
