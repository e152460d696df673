"""Finds what is wrong with an environment: ``python -m mmseg_ganaug.doctor``.

It has to run where nothing else does, so only the standard library is imported here;
what may fail, hang or crash is tried in a process of its own.
"""
