"""How recorded episodes differ from simulated ones, and which simulated robot would be like theirs.

`python -m eval.suite sim2real --data DIR`: statistics of both sides, one-step errors by source, and
a fit of camera and drive from where the cup is seen, with what these episodes cannot tell.
"""
