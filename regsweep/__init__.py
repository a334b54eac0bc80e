"""Compare regularizers fairly, fast, and with evidence.

=====================  ========================================================
module                 what it holds
=====================  ========================================================
``regsweep.app``       the command line: Hydra in, exit codes out
``regsweep.config``    the composed config, checked and turned into plain values
``regsweep.data``      MNIST and Fashion-MNIST: fetched, verified, split
``regsweep.training``  the training core: a pack of runs trained as one model
``regsweep.record``    what a run publishes
``regsweep.report``    records gathered into tables
=====================  ========================================================
"""
