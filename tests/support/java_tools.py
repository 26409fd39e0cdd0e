"""Class paths and programs of Apache Kafka from Maven Central, run with plain `java -cp`.

The jars of a profile of tests/compat/java/pom.xml are copied once to build/.cache/java/<profile>; after that
nothing here needs the network. Standard library only.
"""

import shutil
import subprocess

from support.processes import CACHE_DIR, REPOSITORY, making

POM = REPOSITORY / "tests" / "compat" / "java" / "pom.xml"
SOURCES = POM.parent

# Short programs: a small heap and only the first compiler, because start-up is most of their life.
SHORT_LIVED = ["-Xshare:auto", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx512m"]

# Main classes of the command line tools, by the names of their shell scripts.
TOOLS = {
    "kafka-topics": "org.apache.kafka.tools.TopicCommand",
    "kafka-configs": "kafka.admin.ConfigCommand",
    "kafka-console-producer": "org.apache.kafka.tools.ConsoleProducer",
    "kafka-console-consumer": "org.apache.kafka.tools.consumer.ConsoleConsumer",
    "kafka-consumer-groups": "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
    "kafka-get-offsets": "org.apache.kafka.tools.GetOffsetShell",
    "kafka-broker-api-versions": "org.apache.kafka.tools.BrokerApiVersionsCommand",
    "kafka-producer-perf-test": "org.apache.kafka.tools.ProducerPerformance",
    "kafka-metadata-quorum": "org.apache.kafka.tools.MetadataQuorumCommand",
    "kafka-leader-election": "org.apache.kafka.tools.LeaderElectionCommand",
    "kafka-reassign-partitions": "org.apache.kafka.tools.reassign.ReassignPartitionsCommand",
    "kafka-cluster": "org.apache.kafka.tools.ClusterTool",
}


@making("jars")
def jar_directory(profile):
    """The directory with the jars of a profile, fetched if it is not there yet."""
    directory = CACHE_DIR / "java" / profile
    stamp = directory / ".complete"
    if stamp.exists() and stamp.read_text() == POM.read_text():
        return directory
    shutil.rmtree(directory, ignore_errors=True)
    command = ["mvn", "-q", "-B", "-f", str(POM), "-P", profile, "dependency:copy-dependencies",
               "-DincludeScope=runtime", f"-DoutputDirectory={directory}"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if result.returncode != 0:
        raise RuntimeError(f"maven could not fetch profile {profile}:\n{result.stdout}{result.stderr}")
    stamp.write_text(POM.read_text())
    return directory


def class_path(profile, *more):
    return ":".join([*(str(path) for path in more), f"{jar_directory(profile)}/*"])


@making("classes")
def compiled(profile, folder="."):
    """The directory with our own Java programs, those of a folder of tests/compat/java, compiled against a profile's
    jars.
    """
    sources = sorted((SOURCES / folder).glob("*.java"))
    output = CACHE_DIR / "java" / f"{profile}-classes"
    targets = [output / f"{source.stem}.compiled" for source in sources]
    jars = jar_directory(profile)
    if any(not target.exists() or target.stat().st_mtime < source.stat().st_mtime
           for source, target in zip(sources, targets)):
        output.mkdir(parents=True, exist_ok=True)
        subprocess.run(["javac", "-nowarn", "-d", str(output), "-cp", f"{jars}/*", *map(str, sources)],
                       check=True, timeout=120)
        for target in targets:
            target.touch()
    return output


def run_tool(tool, *arguments, stdin=None, timeout_s=60):
    """Runs a command line tool; returns (exit code, standard output, standard error)."""
    command = ["java", *SHORT_LIVED, "-cp", class_path("server"), TOOLS[tool], *map(str, arguments)]
    result = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=timeout_s)
    return result.returncode, result.stdout, result.stderr


def have_java():
    return shutil.which("javac") is not None and shutil.which("mvn") is not None
