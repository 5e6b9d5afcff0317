"""SageMaker on this machine: control plane, training jobs, endpoints, capture, alarms."""
