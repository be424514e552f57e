"""A protoc plugin around grpcio-tools, whose generator of servicers and stubs is not available as a plugin."""

import sys
import tempfile
from pathlib import Path

from google.protobuf.compiler.plugin_pb2 import CodeGeneratorRequest, CodeGeneratorResponse
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from grpc_tools import protoc


def generate(request: CodeGeneratorRequest) -> CodeGeneratorResponse:
    """Generate one `_pb2_grpc.py` per file with a service."""
    services = [file.name for file in request.proto_file if file.service and file.name in request.file_to_generate]
    response = CodeGeneratorResponse(supported_features=CodeGeneratorResponse.FEATURE_PROTO3_OPTIONAL)
    if not services:
        return response
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        descriptors = folder / "request.binpb"
        descriptors.write_bytes(FileDescriptorSet(file=request.proto_file).SerializeToString())
        arguments = ("protoc", f"--descriptor_set_in={descriptors}", f"--grpc_python_out={folder}", *services)
        if protoc.main(arguments) != 0:
            response.error = "grpcio-tools could not generate the gRPC code"
        for path in sorted(folder.rglob("*.py")):
            response.file.add(name=str(path.relative_to(folder)), content=path.read_text())
    return response


if __name__ == "__main__":
    answer = generate(CodeGeneratorRequest.FromString(sys.stdin.buffer.read()))
    sys.stdout.buffer.write(answer.SerializeToString())
