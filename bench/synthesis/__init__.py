"""How well machine-made sound is told from sound by people, on any folder of generators, by any engine.

``python -m bench.synthesis run|robust|long|kinds|decoders|cost|report`` (``--help`` names the options; ``make
bench-synthesis`` calls it). Media lie in ``…/<generator>/<real|fake>/``; further sound by people is given as
``--real music=DIR voices=DIR``, whose sub-folders are sites.

``engine`` says what an engine answers and loads one, ``adapter`` is this project's own. ``material`` finds files and
says which belong to one track or person, ``long_made`` joins short clips, ``decoder_made`` adds the lines of an
untrained decoder to music, ``real_kinds`` makes sound that must not be flagged: what is made here is named so in every
table. ``conditions`` are the changes, ``run`` asks, ``cost`` measures time and memory, ``measures`` has the arithmetic,
``report`` the tables, ``picture`` the scores.
"""
