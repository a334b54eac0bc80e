"""What a run is asked to do, as plain checked values; nothing here imports torch or Hydra.

============================  ==========================================================
module                        what it holds
============================  ==========================================================
``regsweep.settings.checks``      the range checks that every spec shares
``regsweep.settings.regularizer`` none, l1, l2, elastic, weight_decay, and their coefficients
``regsweep.settings.model``       mlp, logistic, cnn
``regsweep.settings.optimizer``   adam, sgd
``regsweep.settings.trainer``     epochs, batch size, device, precision
``regsweep.settings.data``        which images, and how they are split
``regsweep.settings.run``         all of the above and a seed: one run
============================  ==========================================================
"""
