"""The training core: run specs in, results out, a pack of runs as one batched model.

Every tensor of a pack has the runs along its first axis, and no operation crosses that axis.

- `activation`: the activations of all runs at once, with the bits that each run has alone
- `batches`: the shuffled batches of every run of a pack
- `compiled`: the step of a pack as one compiled graph
- `device`: the device that ``trainer.device`` names
- `evaluate`: loss and score of every run over a whole set
- `fused`: the forward pass of many networks at once, along a leading runs axis
- `initial`: PyTorch's default initialisation, drawn from each run's own generator
- `layer_norm`: layer norm of all runs at once, with the bits that each run has alone
- `linear`: the linear layers of all runs at once, with the bits that each run has alone
- `load`: the data that a run names, loaded once a process, and what is known of them
- `loss`: the loss of every run on its data, and who is right
- `network`: a model spec as the plain ``nn.Sequential`` that it stands for
- `optimizer`: Adam, SGD and RMSprop over a pack: one step for all runs, every coefficient per run
- `pack`: the one training loop: it trains a pack of runs; a single run is a pack of one
- `penalty`: the penalties of a pack: their coefficients, value and gradient
- `probe`: a compiled step is tried before it trains, and trusted where it does what the eager one
  does
- `result`: what training a run gives
- `schedule`: the learning rates of a pack: those of every run at every step of an epoch
- `score`: the scores that are not counted batch by batch, of every run over a whole part
- `step`: one step of a pack: forward, backward, penalties and optimizer, for all runs at once
- `weight_statistics`: norms and sparsity of a pack's weights
"""
