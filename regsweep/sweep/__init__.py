"""What a sweep is: its arms, what is checked of it, what is settled for it.

- `address`: the address of a storage: what it may be, and that no password in it is written
  anywhere
- `arms`: the arms of a sweep: every combination of the choices that it compares, composed and
  checked
- `cluster`: where packs are sent to beyond this machine's cores: what the keys of a launcher say
  of it
- `guard`: what every config passes before it is used: it runs what is trusted, and stays in its
  folder
- `internals`: what regsweep takes of Hydra and of its Optuna plugin that they do not call public
- `kinds`: the sweepers that regsweep knows, and which of them search
- `machine`: whether a machine has what runs need: their devices and their data
- `packing`: how runs are packed: what the pack launcher is asked for, and what the machine takes
- `preflight`: what can be known before the first job of a sweep is checked before it
- `processor`: the processor of a machine: on another kind of one, the last digits of a result may
  differ
- `search_space`: what a search varies: the ``search`` nodes of the chosen config groups
- `settle`: what is settled once for all runs of a sweep, so that its results do not depend on the
  order
- `sweep`: what a sweep will do, known before its first job
- `trust`: what a config may run: exact names, and what a Python file of the user's trusts beside
  them
- `tryout`: the compiled step of a sweep, tried where its runs will train, before they do
"""
