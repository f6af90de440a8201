#!/usr/bin/env python3
"""Makes, changes and deletes the stacks of one installation, in the order in which they need one another.

    deploy.py up [STACK…]   makes what is missing, changes what differs; of all stacks, or of the named ones
    deploy.py down          deletes all but the database and the network
    deploy.py down --data   deletes these, too; a last snapshot of the database stays

Choices come from the environment, as README.md lists them; what isn't set keeps its default, or what it was. It needs
boto3 and an administrator's rights, and reads them as the AWS CLI does.
"""

import os
import pathlib
import sys

import boto3
from botocore.exceptions import ClientError, WaiterError

HERE = pathlib.Path(__file__).parent

# In the order in which they are made: each needs what those before it export. Parameters by the variable that sets them.
STACKS = {
    "foundation": {"SIZE": "Size", "NETWORK": "Network", "LOG_DAYS": "LogDays"},
    "database": {
        "SIZE": "Size",
        "MULTI_AZ": "MultiAz",
        "ENGINE_VERSION": "EngineVersion",
        "BACKUP_DAYS": "BackupDays",
        "DELETION_PROTECTION": "DeletionProtection",
    },
    "edge": {
        "CERTIFICATE_ARN": "CertificateArn",
        "CLIENT_CIDR": "ClientCidr",
        "REQUESTS_PER_FIVE_MINUTES": "RequestsPerFiveMinutes",
        "DELETION_PROTECTION": "DeletionProtection",
    },
    "cluster": {"LOG_DAYS": "LogDays"},
    "pipeline": {"REPOSITORY": "Repository", "ENVIRONMENT": "Environment", "PROVIDER_ARN": "ProviderArn"},
    "service": {
        "SIZE": "Size",
        "IMAGE": "Image",
        "ARCHITECTURE": "Architecture",
        "WORKERS_ON_SPOT": "WorkersOnSpot",
        "PUBLIC_URL": "PublicUrl",
        "REQUIRE_TOKEN_TO_READ": "RequireTokenToRead",
        "ALPHA_VANTAGE_SECRET_ARN": "AlphaVantageSecretArn",
        "ALPHA_VANTAGE_PER_SECOND": "AlphaVantagePerSecond",
        "ALPHA_VANTAGE_PER_DAY": "AlphaVantagePerDay",
        "NSE_PROXY": "NseProxy",
        "PRICE_SCHEDULE": "PriceSchedule",
        "IPO_SCHEDULE": "IpoSchedule",
        "MARKET_SCHEDULE": "MarketSchedule",
        "KEEP_JOBS_DAYS": "KeepJobsDays",
        "KEEP_FLAGS_DAYS": "KeepFlagsDays",
        "KEEP_SWEEPS_DAYS": "KeepSweepsDays",
        "KEEP_AUDIT_DAYS": "KeepAuditDays",
        "TIDY_SCHEDULE": "TidySchedule",
        "DATABASE_CA_SECRET_ARN": "DatabaseCaSecretArn",
        "TRACES": "Traces",
        "COLLECTOR_IMAGE": "CollectorImage",
        "LOG_DAYS": "LogDays",
    },
    "scaling": {"SIZE": "Size"},
    "watch": {"EMAIL": "Email", "MONTHLY_BUDGET": "MonthlyBudget", "DATABASE_CONNECTIONS": "DatabaseConnections"},
}
DATA = ["foundation", "database"]
# What has no default, so a stack can't be made without it.
NEEDED = {
    "CERTIFICATE_ARN": "the certificate in Certificate Manager for the service's name",
    "PUBLIC_URL": "how clients reach the service, such as https://prospectus.example.org",
    "EMAIL": "who is told of alarms and of the budget",
    "REPOSITORY": "the GitHub repository that deploys, as owner/name",
    "IMAGE": "the image to run, such as ghcr.io/owner/prospectus@sha256:…",
}


class Installation:
    """The stacks of one name, in the account and region of the environment."""

    def __init__(self, choices):
        self.choices = choices
        self.name = choices.get("NAME") or "prospectus"
        self.cloudformation = boto3.client("cloudformation")

    def up(self, wanted):
        """Makes or changes the stacks."""
        wanted = [stack for stack in STACKS if stack in wanted]
        # Before the first is made.
        for stack in wanted:
            self.demand(stack)
        for stack in wanted:
            self.put(stack)

    def down(self, data):
        """Deletes the stacks, the data's only if asked to."""
        for stack in reversed(STACKS):
            if data or stack not in DATA:
                self.delete(stack)
        if not data:
            print("The database and the network stay; \"down --data\" deletes them.")

    def demand(self, stack):
        """Refuses to make a stack without what has no default; one that is there keeps what it was made with."""
        missing = [variable for variable in NEEDED if variable in STACKS[stack] and not self.choices.get(variable)]
        if missing and self.state(stack) is None:
            raise SystemExit("\n".join(f"Set {variable}: {NEEDED[variable]}" for variable in missing))

    def put(self, stack):
        """Makes or changes one stack."""
        body = (HERE / f"{stack}.yaml").read_text()
        there = self.state(stack)
        request = {
            "StackName": f"{self.name}-{stack}",
            "TemplateBody": body,
            "Parameters": self.parameters(stack, body, there),
            "Capabilities": ["CAPABILITY_NAMED_IAM"],
            "Tags": [{"Key": "Installation", "Value": self.name}],
        }
        if there is None:
            print(f"making {request['StackName']}")
            self.cloudformation.create_stack(**request, OnFailure="DELETE")
            return self.wait("stack_create_complete", stack)
        print(f"changing {request['StackName']}")
        try:
            self.cloudformation.update_stack(**request)
        except ClientError as error:
            if "No updates are to be performed" in str(error):
                return None
            raise
        return self.wait("stack_update_complete", stack)

    def parameters(self, stack, body, there):
        """The template's parameters: as chosen, else as they were, else by default."""
        known = {p["ParameterKey"] for p in self.cloudformation.get_template_summary(TemplateBody=body)["Parameters"]}
        earlier = {p["ParameterKey"]: p["ParameterValue"] for p in (there or {}).get("Parameters", [])}
        chosen = {"Name": self.name}
        for variable, parameter in STACKS[stack].items():
            if self.choices.get(variable):
                chosen[parameter] = self.choices[variable]
        # The pipeline may have deployed a newer image since.
        if there and self.choices.get("CHANGE_IMAGE") != "yes":
            chosen.pop("Image", None)
        values = {**earlier, **chosen}
        return [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items() if key in known]

    def delete(self, stack):
        """Deletes one stack, if it's there."""
        there = self.state(stack)
        if there is None:
            return
        name = f"{self.name}-{stack}"
        print(f"deleting {name}")
        # By its id, since a deleted stack is found by no name.
        self.cloudformation.delete_stack(StackName=there["StackId"])
        self.wait("stack_delete_complete", stack, there["StackId"])

    def state(self, stack):
        """What is known of a stack; nothing if it isn't there."""
        try:
            return self.cloudformation.describe_stacks(StackName=f"{self.name}-{stack}")["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise

    def wait(self, what, stack, name=None):
        """Waits for the end, and says why where it isn't a good one."""
        name = name or f"{self.name}-{stack}"
        try:
            self.cloudformation.get_waiter(what).wait(StackName=name, WaiterConfig={"Delay": 10, "MaxAttempts": 360})
        except WaiterError as error:
            events = self.cloudformation.describe_stack_events(StackName=name)["StackEvents"]
            reasons = [
                f"  {e['LogicalResourceId']}: {e.get('ResourceStatusReason', '')}"
                for e in events
                if e["ResourceStatus"].endswith("FAILED")
            ]
            raise SystemExit("\n".join([f"{stack}: {error}", *reasons])) from error


def main(arguments):
    installation = Installation(os.environ)
    match arguments:
        case ["up", *stacks] if set(stacks) <= STACKS.keys():
            installation.up(stacks or STACKS)
        case ["down"]:
            installation.down(data=False)
        case ["down", "--data"]:
            installation.down(data=True)
        case _:
            raise SystemExit(f"deploy.py up [STACK…] | down [--data]; the stacks are {', '.join(STACKS)}")


if __name__ == "__main__":
    main(sys.argv[1:])
