"""Photos and masks of any kind, made into a data set that MMSeg reads."""
