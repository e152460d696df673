_base_ = './pix2pixhd_enhancer-tiny_1xb1-1500_toystreets-128x256.py'
# Paints a window of a map as it paints the whole map: for composite with windows.
model = dict(generator=dict(norm='pixel'))
