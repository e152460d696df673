"""What helps the rare classes of a data set: findings, treatments, race, verdict."""
