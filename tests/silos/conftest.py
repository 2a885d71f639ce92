import pytest
from harness.s3 import S3Server
@pytest.fixture(scope="session")
def s3_server():
    with S3Server.started() as server:
        yield server
