"""A picture by geometry: every edge and every plane is linear in the pixel's column and row.

A ray is `d = d0 + u du + v dv` for the pixel of column u and row v. The plane through the eye and
an edge is `m . d = 0`, linear in (u, v); divided by its gradient it is the distance to the edge in
pixels, which gives the pixel's coverage: anti-aliasing for the price of a clamp. The inverse depth
of a plane `n . (e + t d - p) = 0` is `1 / t = n . d / n . (p - e)`, linear too; so is the edge of a
shadow on a plane. A convex face, its seams and the shadows on it are therefore spans of each row,
filled without a test per pixel; only spheres and the sides of cylinders solve a quadratic.
"""
