"""`make demo`: the provisioner's main job, shown and verified on a control plane of its own.

Each step does one thing as a user would, with kubectl, and then looks at the API server and at
the directory until the step's fact is there. Nothing is shown as done because a command said so.
A recording was rejected: it would go on showing what has stopped working.
"""
