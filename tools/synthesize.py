"""Generates the samples of a config: `ganaug synthesize`."""

from mmseg_ganaug.commands import tool

if __name__ == '__main__':
    tool('synthesize')
