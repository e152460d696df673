# That of the facades, for pairs that OnlyChanged filters: set PYTHONPATH=. for it.
_base_ = './facades.py'
custom_imports = dict(imports=['mmseg_ganaug', 'experiments.only_changed'])
