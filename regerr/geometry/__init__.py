"""The geometry of regions that are no ellipsoids: charts, rays, contents, boundaries."""
