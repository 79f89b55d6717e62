#!/usr/bin/env python3
"""Scans a list of targets on a Spark cluster; each partition is piped through `pgprobe scan`.

    spark-submit --files pgprobe contrib/scan/spark.py targets.txt scan.ndjson [PARTITIONS]

The program `pgprobe` must be on the workers' PATH, or be named by PGPROBE. A partition that Spark
tries again is scanned again: its records are at least once, and `scan.target` tells doubles apart.
"""

import os
import shlex
import sys

from pyspark.sql import SparkSession


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    targets, records = sys.argv[1:3]
    partitions = int(sys.argv[3]) if len(sys.argv) > 3 else 8
    program = os.environ.get("PGPROBE", "pgprobe")
    spark = SparkSession.builder.appName("pgprobe scan").getOrCreate()
    lines = spark.sparkContext.textFile(targets).distinct(partitions)
    # Exit status 2 is also "no target answered", which is no reason to try a partition again.
    command = f"{shlex.quote(program)} scan --quiet || [ $? -eq 2 ]"
    lines.pipe(f"sh -c {shlex.quote(command)}").saveAsTextFile(records)
    spark.stop()


if __name__ == "__main__":
    main()
