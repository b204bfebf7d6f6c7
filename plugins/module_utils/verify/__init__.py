"""A trial of a StorageClass, for the module volume_trial."""
