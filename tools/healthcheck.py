"""Asks the server on GREENROOM_PORT for its health; exits 0 if it serves. The container's health check."""

import os
import sys

import grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

if __name__ == "__main__":
    with grpc.insecure_channel(f"127.0.0.1:{os.environ['GREENROOM_PORT']}") as channel:
        answer = HealthStub(channel).Check(HealthCheckRequest(), timeout=3, wait_for_ready=True)
    sys.exit(answer.status != HealthCheckResponse.SERVING)
