# That of the facades, for pairs that are filtered by OnlyChanged, which this registers.
_base_ = './facades.py'
__import__('runpy').run_path('experiments/only_changed.py')
