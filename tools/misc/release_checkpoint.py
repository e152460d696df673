"""Makes a release of a checkpoint: `ganaug release-checkpoint`."""

from mmseg_ganaug.commands import tool

if __name__ == '__main__':
    tool('release-checkpoint')
