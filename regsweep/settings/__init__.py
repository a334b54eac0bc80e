"""What a run is asked to do, as plain checked values; nothing here imports torch or Hydra.

- `checks`: range checks whose messages name the key, the value and what would be right
- `config`: the edge: a composed config, as a plain mapping, checked and turned into a run's spec
- `data`: which data a run learns from, and how they are split
- `flat`: a plain config under dotted keys, and back
- `model`: the models on offer; ``regsweep.training.network`` builds them
- `optimizer`: the optimizers on offer; ``regsweep.training.optimizer`` takes their steps
- `own`: the choices of a study file: the user's own functions, found by config group and name
- `plain_config`: a composed config as plain dicts and lists
- `regularizer`: the regularizers: one object with other coefficients
- `run`: one run: a config and a seed, all checked
- `signature`: the keys of a study's choice: the keyword parameters of the user's function
- `study`: what the decorators of a study file do: a function becomes a choice of a config group
- `trainer`: how long, how wide and on what a run is trained
- `values`: values of a config as what they should be, or one message that says what would be right
- `younger`: keys that are younger than a config: what held before they were there
"""
