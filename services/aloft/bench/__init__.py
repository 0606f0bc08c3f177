"""How fast Aloft is beside the least that the same work can cost, measured in the same run.

Each bench is a module with `run(...)`, which answers one dictionary: bench, machine, size, figures (units in
their names) and ratios (ours over the bare minimum).
"""
