"""The training core: run specs in, results out, a pack of runs as one batched model.

===============================  =======================================================
module                           what it holds
===============================  =======================================================
``regsweep.training.network``    a model as the plain ``nn.Sequential`` that it stands for
``regsweep.training.initial``    PyTorch's default initialisation from a run's own generator
``regsweep.training.fused``      the forward pass of many such networks at once
``regsweep.training.penalty``    the penalties, their gradients, norms and sparsity
``regsweep.training.optimizer``  Adam and SGD steps with every coefficient per run
``regsweep.training.batches``    the shuffled batches of every run
``regsweep.training.evaluate``   loss and accuracy over whole sets
``regsweep.training.pack``       the one training loop
``regsweep.training.result``     what comes out of it
===============================  =======================================================

Every tensor of a pack has the runs along its first axis, and no operation crosses that axis.
"""
