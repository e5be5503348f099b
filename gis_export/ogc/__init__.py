"""OGC API - Features: a county's layers as a live source for any GIS. Source: OGC 17-069r4 (core), 18-058r1 (CRS)."""
