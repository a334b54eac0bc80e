"""What a run is asked to do, as plain checked values; nothing here imports torch or Hydra.

============================  ==========================================================
module                        what it holds
============================  ==========================================================
``regsweep.spec.checks``      the range checks that every spec shares
``regsweep.spec.regularizer`` none, l1, l2, elastic, weight_decay, and their coefficients
``regsweep.spec.model``       mlp, logistic, cnn
``regsweep.spec.optimizer``   adam, sgd
``regsweep.spec.trainer``     epochs, batch size, device, precision
``regsweep.spec.data``        which images, and how they are split
``regsweep.spec.run``         all of the above and a seed: one run
============================  ==========================================================
"""
