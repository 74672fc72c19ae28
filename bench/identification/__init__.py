"""How well recordings are found: real music, what uploads do to it, and what is in no catalogue.

``python -m bench.identification excerpts|more|negatives|growth|calibrate|harness`` (``--help`` names the options; the
targets ``bench-fingerprint``, ``bench-more``, ``bench-negatives`` and ``bench-growth`` of make call it).

``material`` deals folders of files into registered and left out, ``conditions`` are the changes, ``queries`` plans and
makes the excerpts, ``streams`` the programmes, ``run`` asks the engine, ``report`` has the tables, ``picture`` the
curves. What other benches use too lies above: ``bench.sound``, ``bench.arithmetic``, ``bench.processes``. Only the
picture needs more than the project itself.
"""
