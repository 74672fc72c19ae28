"""``template.yaml`` on one machine: the very functions of the template, fed from the local store."""
