#!/usr/bin/env python3
"""Makes, changes and deletes an installation by deploy.py against a stand-in for AWS (moto's server).

Needs moto[all,server] and boto3. What the stand-in can't show: whether tasks really start,
whether a role's rights suffice, whether what a stack held really goes with it, and types of resources that it doesn't
know, which it passes over with a warning.
"""

import json
import logging
import os
import pathlib
import subprocess
import sys

import boto3
from moto.core.common_models import CloudFormationModel
from moto.ec2 import ec2_backends
from moto.ec2.models.route_tables import RouteTable
from moto.ecs import ecs_backends
from moto.secretsmanager import secretsmanager_backends
from moto.server import ThreadedMotoServer

HERE = pathlib.Path(__file__).parent
STACKS = ["foundation", "database", "edge", "cluster", "pipeline", "service", "scaling", "watch"]
IMAGE = "ghcr.io/example/prospectus@sha256:" + "a" * 64
NEWER = "ghcr.io/example/prospectus@sha256:" + "b" * 64
UNSET = dict.fromkeys(["CERTIFICATE_ARN", "PUBLIC_URL", "EMAIL", "REPOSITORY", "IMAGE"], "")


class Secret(CloudFormationModel):
    """A secret, which the stand-in knows by its own API but not in templates; others import its ARN."""

    # The stand-in reads the service's name from here.
    __module__ = "moto.secretsmanager.models"

    def __init__(self, arn, backend):
        self.physical_resource_id = arn
        self.backend = backend

    @staticmethod
    def cloudformation_name_type():
        return "Name"

    @staticmethod
    def cloudformation_type():
        return "AWS::SecretsManager::Secret"

    @classmethod
    def create_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs):
        wanted = cloudformation_json["Properties"]["GenerateSecretString"]
        value = "p" * wanted["PasswordLength"]
        if "GenerateStringKey" in wanted:
            value = json.dumps({**json.loads(wanted["SecretStringTemplate"]), wanted["GenerateStringKey"]: value})
        backend = secretsmanager_backends[account_id][region_name]
        described = backend.create_secret(resource_name, value, None, None, None, None, None, [], False)
        return cls(json.loads(described)["ARN"], backend)

    @classmethod
    def update_from_cloudformation_json(cls, original_resource, *arguments, **kwargs):
        return original_resource

    def delete(self, account_id, region_name):
        self.backend.delete_secret(self.physical_resource_id, None, True)


def delete_route_table(self, account_id, region_name):
    """What the stand-in leaves out when a template's route table goes, so that no network could ever be deleted."""
    self._associations.clear()
    ec2_backends[account_id][region_name].delete_route_table(self.id)


RouteTable.delete = delete_route_table


class Installation:
    """One account of the stand-in, and deploy.py on it."""

    def __init__(self, endpoint):
        self.environment = {
            **os.environ,
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_PAGER": "",
            "NAME": "trial",
            "PUBLIC_URL": "https://prospectus.example.org",
            "EMAIL": "operator@example.org",
            "REPOSITORY": "example/prospectus",
            "IMAGE": IMAGE,
        }
        session = boto3.Session("testing", "testing", region_name="eu-central-1")
        self.client = lambda service: session.client(service, endpoint_url=endpoint)
        certificate = self.client("acm").request_certificate(DomainName="prospectus.example.org")
        self.environment["CERTIFICATE_ARN"] = certificate["CertificateArn"]

    def run(self, *arguments, **choices):
        command = [sys.executable, str(HERE / "deploy.py"), *arguments]
        return subprocess.run(command, env={**self.environment, **choices}, capture_output=True, text=True, timeout=900)

    def deploy(self, *arguments, **choices):
        done = self.run(*arguments, **choices)
        if done.returncode != 0:
            sys.exit(f"{' '.join(done.args)} failed:\n{done.stdout}\n{done.stderr}")

    def stacks(self):
        states = {}
        for stack in self.client("cloudformation").describe_stacks()["Stacks"]:
            states[stack["StackName"].removeprefix("trial-")] = stack["StackStatus"]
        return states

    def stack(self, name):
        return self.client("cloudformation").describe_stacks(StackName=f"trial-{name}")["Stacks"][0]

    def container(self, family):
        # From the stand-in itself: after a change it keeps the template's spelling, which its API's clients pass over.
        (account,) = {arn.split(":")[4] for arn in self.client("ecs").list_clusters()["clusterArns"]}
        task = ecs_backends[account]["eu-central-1"].describe_task_definition(family)
        containers = uncapitalised(task.container_definitions)
        return next(container for container in containers if container["name"] == "prospectus")


def uncapitalised(value):
    if isinstance(value, dict):
        return {key[0].lower() + key[1:]: uncapitalised(inner) for key, inner in value.items()}
    return [uncapitalised(inner) for inner in value] if isinstance(value, list) else value


def expect(what, found, wanted):
    if found != wanted:
        sys.exit(f"{what}: {found!r}, but it should be {wanted!r}")
    print(f"ok: {what}")


def refused(aws):
    """What has no default is asked for before anything is made, and by the stacks that take it alone."""
    for variable in UNSET:
        done = aws.run("up", **{variable: ""})
        said = [line.split(":")[0] for line in done.stderr.splitlines()]
        expect(f"no stack is made without {variable}", (done.returncode, said), (1, [f"Set {variable}"]))
    expect("nothing was begun", aws.stacks(), {})
    aws.deploy("up", "foundation", **UNSET)
    expect("a stack that takes none of them is made", aws.stacks(), {"foundation": "CREATE_COMPLETE"})
    aws.deploy("down", "--data")


def created(aws):
    aws.deploy("up")
    expect("every stack is there", aws.stacks(), dict.fromkeys(STACKS, "CREATE_COMPLETE"))

    subnets = aws.client("ec2").describe_subnets()["Subnets"]
    ours = {t["Value"]: s for s in subnets for t in s.get("Tags", []) if t["Key"] == "Name" and "trial-" in t["Value"]}
    expect("two zones of public, private and database subnets", len(ours), 6)
    expect("in two zones", len({s["AvailabilityZone"] for s in ours.values()}), 2)

    database = aws.client("rds").describe_db_instances(DBInstanceIdentifier="trial")["DBInstances"][0]
    expect("the database is encrypted", database["StorageEncrypted"], True)
    expect("has no public address", database["PubliclyAccessible"], False)
    parameters = {p["ParameterKey"]: p["ParameterValue"] for p in aws.stack("database")["Parameters"]}
    expect("refuses to be deleted", parameters["DeletionProtection"], "true")
    expect("is backed up", database["BackupRetentionPeriod"], 14)
    expect("is small", (database["DBInstanceClass"], database["MultiAZ"]), ("db.t4g.small", False))

    api, worker = aws.container("trial-api"), aws.container("trial-worker")
    expect("the API runs the image", api["image"], IMAGE)
    expect("the API serves alone", api["command"], ["serve", "--no-worker"])
    expect("the worker works", worker["command"], ["worker"])
    for container in (api, worker):
        expect("its root is read-only", container["readonlyRootFilesystem"], True)
        expect("it isn't root", container["user"], "10001")
        address = next(v["value"] for v in container["environment"] if v["name"] == "DATABASE_URL")
        expect("no address holds a password", address.split("@")[0], "postgres://prospectus")
        expect("the database is asked by TLS", "sslmode=require" in address, True)
    expect("the worker has no administrator's token", [s["name"] for s in worker["secrets"] if s], ["PGPASSWORD"])

    elb = aws.client("elbv2")
    balancer = elb.describe_load_balancers(Names=["trial"])["LoadBalancers"][0]["LoadBalancerArn"]
    listeners = {x["Protocol"]: x for x in elb.describe_listeners(LoadBalancerArn=balancer)["Listeners"]}
    expect("TLS of 1.2 and later", listeners["HTTPS"]["SslPolicy"], "ELBSecurityPolicy-TLS13-1-2-2021-06")
    expect("HTTP is redirected", listeners["HTTP"]["DefaultActions"][0]["Type"], "redirect")

    # The stand-in knows no alarms in templates.
    written = "".join((HERE / f"{stack}.yaml").read_text() for stack in STACKS)
    alarms = written.count("Type: AWS::CloudWatch::Alarm")
    expect("every alarm says what to do", (written.count("AlarmDescription:"), alarms > 10), (alarms, True))

    role = aws.client("iam").get_role(RoleName="trial-deploy")["Role"]
    subject = role["AssumeRolePolicyDocument"]["Statement"][0]["Condition"]["StringEquals"]
    expect(
        "only the repository's production environment deploys",
        subject["token.actions.githubusercontent.com:sub"],
        "repo:example/prospectus:environment:production",
    )


def changed(aws):
    """The size by the operator; the image as the pipeline does it."""
    # The stand-in can change no database and no load balancer in a template.
    rest = [stack for stack in STACKS if stack not in ("database", "edge")]
    choices = {**UNSET, "SIZE": "large", "KEEP_JOBS_DAYS": "30", "KEEP_AUDIT_DAYS": "off"}
    aws.deploy("up", *rest, **{**choices, "IMAGE": "ghcr.io/example/prospectus:ignored"})
    settings = {v["name"]: v["value"] for v in aws.container("trial-worker")["environment"]}
    expect("workers run more at a time", settings["WORKER_CONCURRENCY"], "8")
    kept = {name: settings[name] for name in ("KEEP_JOBS_DAYS", "KEEP_FLAGS_DAYS", "KEEP_SWEEPS_DAYS", "KEEP_AUDIT_DAYS")}
    wanted = {"KEEP_JOBS_DAYS": "30", "KEEP_FLAGS_DAYS": "90", "KEEP_SWEEPS_DAYS": "off", "KEEP_AUDIT_DAYS": "off"}
    expect("what isn't set stays", settings["PUBLIC_URL"], "https://prospectus.example.org")
    expect("what is forgotten is as chosen, the rest as before", kept, wanted)
    expect("an operator's change keeps the image", aws.container("trial-api")["image"], IMAGE)

    cloudformation = aws.client("cloudformation")
    before = cloudformation.describe_stacks(StackName="trial-service")["Stacks"][0]["Parameters"]
    # The workflow says UsePreviousValue, which the stand-in knows only for what was given when the stack was made.
    kept = [p for p in before if p["ParameterKey"] != "Image"]
    cloudformation.update_stack(
        StackName="trial-service",
        UsePreviousTemplate=True,
        Parameters=[{"ParameterKey": "Image", "ParameterValue": NEWER}, *kept],
    )
    expect("the pipeline's image runs", aws.container("trial-worker")["image"], NEWER)
    after = cloudformation.describe_stacks(StackName="trial-service")["Stacks"][0]["Parameters"]
    differ = {p["ParameterKey"] for p in after} ^ {p["ParameterKey"] for p in before}
    values = {p["ParameterKey"]: p["ParameterValue"] for p in before}
    differ |= {p["ParameterKey"] for p in after if values.get(p["ParameterKey"]) != p["ParameterValue"]}
    expect("and nothing else changed", differ, {"Image"})


def deleted(aws):
    aws.deploy("down")
    expect("the data stay", sorted(aws.stacks()), ["database", "foundation"])
    aws.deploy("down", "--data")
    expect("all is gone", aws.stacks(), {})
    expect("and nothing is exported", aws.client("cloudformation").list_exports()["Exports"], [])


def main():
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        aws = Installation(f"http://{host}:{port}")
        refused(aws)
        created(aws)
        changed(aws)
        deleted(aws)
    finally:
        server.stop()
    print("made, changed and deleted")


if __name__ == "__main__":
    main()
