"""The training core: run specs in, results out, a pack of runs as one batched model.

Every tensor of a pack has the runs along its first axis, and no operation crosses that axis.

- `activation`: the activations of all runs at once, with the bits that each run has alone
- `batch_norm`: batch norm of all runs at once, with the bits that each run has alone
- `batches`: the shuffled batches of every run of a pack
- `checkpoint`: the state of a pack between two epochs, in a file from which it can go on with the
  same bits
- `compiled`: the step of a pack as one compiled graph
- `convolution`: the convolutions of all runs: each run's own, one by one
- `device`: the device that ``trainer.device`` names
- `dropout`: dropout of all runs at once: each leaves out its share of the same random numbers
- `evaluate`: loss and score of every run over a whole set
- `forward`: the outputs of the networks of a pack, in each way in which they are computed
- `functions`: functions of torch whose batched form would round otherwise, for all runs of a pack
- `fused`: the forward pass of many networks at once, along a leading runs axis
- `generators`: the global generators of torch, numpy and Python, seeded for a while, put back
- `group_norm`: group norm of all runs at once, with the bits that each run has alone
- `initial`: PyTorch's default initialisation, drawn from each run's own generator
- `layer_norm`: layer norm of all runs at once, with the bits that each run has alone
- `linear`: the linear layers of all runs at once, with the bits that each run has alone
- `load`: the data that a run names, loaded once a process, and what is known of them
- `loss`: the loss of every run on its data, and who is right
- `mixup`: each example of a batch mixed with another one of it
- `network`: a model spec as the module that it stands for, and the way in which a pack computes it
- `noise`: random numbers of a run: a function of its seed, the step, the draw and the place
- `optimizer`: Adam, SGD and RMSprop over a pack: one step for all runs, every coefficient per run
- `own_check`: a network and a penalty of the user's, tried on real rows before anything trains
- `own_forward`: the forward pass of any module, of a run alone or of all runs of a pack at once
- `own_module`: a network of the user's, built by a function of theirs; their errors, with the place
- `own_penalty`: penalties of the user's own: a function of a run's parameters, for all runs at once
- `pack`: the one training loop: it trains a pack of runs; a single run is a pack of one
- `packable`: whether a network that is not known by heart may train in packs: it is tried
- `penalty`: the penalties of a pack: their coefficients, value and gradient
- `predictor`: what a run has learned, as a function from raw inputs to predictions
- `probe`: a compiled step is tried before it trains, and trusted where it does what the eager one
  does
- `proximal`: proximal steps: what a penalty with a kink does to the weights
- `result`: what training a run gives
- `schedule`: the learning rates of a pack: those of every run at every step of an epoch
- `score`: the scores that are not counted batch by batch, of every run over a whole part
- `state`: what the networks of a pack consist of: parameters and buffers, with the runs in front
- `step`: one step of a pack: forward, backward, penalties and optimizer, for all runs at once
- `stopping`: early stopping: the weights of every run's best epoch, and who has waited enough
- `weight_statistics`: norms and sparsity of a pack's weights
"""
