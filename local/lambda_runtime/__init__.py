"""Lambda's runtime client in plain Python, for systems for which awslambdaric, AWS's own, has no wheel.

`python -u -m local.lambda_runtime MODULE.HANDLER`, started in the folder of a function's code, makes the calls that are
documented at https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html. Results, errors and log lines are those of
awslambdaric, which the tests compare. Left out is what the local stack doesn't have, such as SnapStart and tenants, and
the advice that awslambdaric logs where a module doesn't load. Only the standard library is imported: all else in the
process is the function's own.
"""
