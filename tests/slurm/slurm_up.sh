#!/usr/bin/env bash
# A throw-away SLURM on this machine alone: one node, fake GPUs, no systemd, no cgroups. For tests; run as root.
#
#   slurm_up.sh up [--db]   start munged, slurmctld, slurmd (with --db mariadbd and slurmdbd too); wait until idle
#   slurm_up.sh restart     stop slurmctld and start it again: running jobs live on
#   slurm_up.sh down        cancel the jobs, stop the daemons that were started here, by their ids
#   slurm_up.sh status      daemons, node, queue
#   slurm_up.sh install     install what is missing of Debian's packages, and start nothing
#
# Without --db there is no accounting and sacct fails: Snakemake then wants `--slurm-status-command squeue`.
#
# Environment: SLURM_TEST_ROOT (${TMPDIR:-/tmp}/slurm-test)  SLURM_TEST_GPUS (2)  SLURM_TEST_CPUS (all)
#   SLURM_TEST_MEM (MB; 90 % of what is there)  SLURM_TEST_PORT (16817)  SLURM_TEST_WAIT (60 s)
#   SLURM_TEST_LARGE=1 believes CPUs, memory and GPUs that are not there, so that sbatch takes jobs to be held
#   SLURM_TEST_OOM=1 kills a job that goes over its --mem (looked at every 2 s); without it memory is only booked
# A GPU that exists (/dev/nvidia0 ...) stands for itself. Written for Debian 12 (slurm 22.05).
set -Eeuo pipefail

ROOT=${SLURM_TEST_ROOT:-${TMPDIR:-/tmp}/slurm-test}
GPUS=${SLURM_TEST_GPUS:-2}
CPUS=${SLURM_TEST_CPUS:-$(nproc)}
MEM=${SLURM_TEST_MEM:-$(awk '/MemTotal/ {print int($2 / 1024 * 0.9)}' /proc/meminfo)}
WAIT=${SLURM_TEST_WAIT:-60}
HOST=$(hostname -s)
PORT=${SLURM_TEST_PORT:-16817}          # slurmctld; +1 slurmd, +2 slurmdbd, +3 mariadbd; loopback only
RUN=$ROOT/run LOG=$ROOT/log ETC=$ROOT/etc
LARGE=${SLURM_TEST_LARGE:+SlurmdParameters=config_overrides}
DAEMONS=(slurmd slurmctld slurmdbd mariadbd munged)   # the order in which they are stopped
export SLURM_CONF=$ETC/slurm.conf

say() { printf 'slurm_up: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
trap 'say "failed at line $LINENO: $BASH_COMMAND"' ERR

# alive NAME: the pid on file is a live process that is still that daemon (never trust a pid alone)
alive() {
    local pid
    pid=$(cat "$RUN/$1.pid" 2>/dev/null) || return 1
    [ -n "$pid" ] && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$1" ] && ! grep -q '^State:.Z' "/proc/$pid/status"
}

# until_ok SECONDS COMMAND...: poll twice a second
until_ok() {
    local end=$((SECONDS + $1)); shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.5
    done
}

install_missing() {
    local want=() cmd pkg
    for pair in slurmctld:slurmctld slurmd:slurmd sbatch:slurm-client munged:munge "$@"; do
        cmd=${pair%%:*} pkg=${pair##*:}
        command -v "$cmd" >/dev/null || want+=("$pkg")
    done
    [ ${#want[@]} -eq 0 ] && return
    say "installing ${want[*]}"
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${want[@]}" >"$LOG/apt.log" 2>&1 ||
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
            "${want[@]}" >"$LOG/apt.log" 2>&1; } || die "apt-get failed, see $LOG/apt.log"
}

slurmd_newer_than() { [ "$(printf '%s\n' "$1" "$(slurmd -V | awk '{print $2}')" | sort -V | head -1)" = "$1" ]; }

write_conf() {   # $1: none | slurmdbd
    local gres="" i files=()
    if compgen -G '/dev/nvidia[0-9]*' >/dev/null; then
        mapfile -t files < <(ls /dev/nvidia[0-9]*)
    else
        mkdir -p "$ROOT/dev"
        for ((i = 0; i < GPUS; i++)); do   # a twin of /dev/null: a plain file schedules but sets no CUDA_VISIBLE_DEVICES
            [ -c "$ROOT/dev/nvidia$i" ] || { rm -f "$ROOT/dev/nvidia$i"; mknod "$ROOT/dev/nvidia$i" c 1 3; }
            files+=("$ROOT/dev/nvidia$i")
        done
    fi
    : >"$ETC/gres.conf"
    if [ ${#files[@]} -gt 0 ]; then
        gres="Gres=gpu:fake:${#files[@]}"
        { echo AutoDetect=off
          for f in "${files[@]}"; do echo "Name=gpu Type=fake File=$f"; done; } >"$ETC/gres.conf"
    fi
    cat >"$ETC/slurm.conf" <<CONF
ClusterName=flexmore
SlurmctldHost=$HOST(127.0.0.1)
SlurmctldPort=$PORT
SlurmdPort=$((PORT + 1))
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$RUN/munge.socket
StateSaveLocation=$ROOT/state
SlurmdSpoolDir=$ROOT/spool
SlurmctldPidFile=$RUN/slurmctld.pid
SlurmdPidFile=$RUN/slurmd.pid
SlurmctldLogFile=$LOG/slurmctld.log
SlurmdLogFile=$LOG/slurmd.log
# no cgroups, no systemd
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=2
$([ -z "${SLURM_TEST_OOM:-}" ] || echo JobAcctGatherParams=OverMemoryKill)
MpiDefault=none
$LARGE
# consumable CPUs, memory and GPUs
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
GresTypes=gpu
AccountingStorageType=accounting_storage/$1
$([ "$1" = slurmdbd ] && printf 'AccountingStorageHost=127.0.0.1\nAccountingStoragePort=%s\nAccountingStoragePass=%s\nAccountingStorageTRES=gres/gpu\nAccountingStoreFlags=job_comment\n' \
    $((PORT + 2)) "$RUN/munge.socket")
# answer at once: these are test jobs
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0
ReturnToService=2
MinJobAge=7200
KillWait=5
InactiveLimit=0
MaxArraySize=1001
DefMemPerCPU=512
NodeName=$HOST NodeAddr=127.0.0.1 CPUs=$CPUS RealMemory=$MEM $gres State=UNKNOWN
PartitionName=cpu Nodes=$HOST Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO
PartitionName=gpu Nodes=$HOST Default=NO  MaxTime=INFINITE State=UP OverSubscribe=NO
# whose jobs take the place of others, which go back to the queue
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
PartitionName=urgent Nodes=$HOST Default=NO MaxTime=INFINITE State=UP OverSubscribe=NO PriorityTier=10 PreemptMode=OFF
CONF
    # slurmd loads a cgroup plugin even if nothing uses it: v1 does nothing until asked, v2 wants systemd;
    # "disabled" exists from slurm 23.11
    printf 'CgroupPlugin=%s\n' "$(slurmd_newer_than 23.11 && echo disabled || echo cgroup/v1)" >"$ETC/cgroup.conf"
    # the clients' default path, so that they work with no SLURM_CONF (the snakemake plugin unsets SLURM_* in jobs)
    mkdir -p /etc/slurm
    if [ ! -e /etc/slurm/slurm.conf ] || [ -L /etc/slurm/slurm.conf ]; then
        for f in slurm.conf gres.conf cgroup.conf; do ln -sfn "$ETC/$f" "/etc/slurm/$f"; done
    else
        die "/etc/slurm/slurm.conf belongs to another SLURM, which this one leaves alone"
    fi
}

start_munged() {
    alive munged && return
    [ -s "$ETC/munge.key" ] || (umask 077; head -c 1024 /dev/urandom >"$ETC/munge.key")
    chmod 600 "$ETC/munge.key"; rm -f "$RUN"/munge.socket*
    munged --key-file="$ETC/munge.key" --socket="$RUN/munge.socket" --pid-file="$RUN/munged.pid" \
        --log-file="$LOG/munged.log" --seed-file="$ROOT/state/munge.seed"
    until_ok 10 munge --socket="$RUN/munge.socket" -n || die "munged: see $LOG/munged.log"
}

start_db() {
    if ! alive mariadbd; then
        mkdir -p "$ROOT/mysql"
        [ -d "$ROOT/mysql/mysql" ] || mariadb-install-db --no-defaults --user=root --datadir="$ROOT/mysql" \
            --auth-root-authentication-method=socket >"$LOG/mariadb-install.log" 2>&1
        setsid mariadbd --no-defaults --user=root --datadir="$ROOT/mysql" --socket="$RUN/mariadb.sock" \
            --pid-file="$RUN/mariadbd.pid" --bind-address=127.0.0.1 --port=$((PORT + 3)) \
            --innodb-buffer-pool-size=64M --innodb-lock-wait-timeout=900 >"$LOG/mariadbd.log" 2>&1 </dev/null &
        until_ok 30 mariadb-admin --no-defaults --socket="$RUN/mariadb.sock" ping || die "mariadbd: see $LOG/mariadbd.log"
        mariadb --no-defaults --socket="$RUN/mariadb.sock" -e "CREATE DATABASE IF NOT EXISTS slurm_acct_db;
            CREATE USER IF NOT EXISTS slurm@'127.0.0.1' IDENTIFIED BY 'test-only';
            CREATE USER IF NOT EXISTS slurm@'localhost' IDENTIFIED BY 'test-only';
            GRANT ALL ON slurm_acct_db.* TO slurm@'127.0.0.1'; GRANT ALL ON slurm_acct_db.* TO slurm@'localhost';"
    fi
    if ! alive slurmdbd; then
        (umask 077; cat >"$ETC/slurmdbd.conf" <<CONF
AuthType=auth/munge
AuthInfo=socket=$RUN/munge.socket
DbdHost=localhost
DbdAddr=127.0.0.1
CommunicationParameters=NoInAddrAny
DbdPort=$((PORT + 2))
SlurmUser=root
PidFile=$RUN/slurmdbd.pid
LogFile=$LOG/slurmdbd.log
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort=$((PORT + 3))
StorageUser=slurm
StoragePass=test-only
StorageLoc=slurm_acct_db
CONF
        )
        chmod 600 "$ETC/slurmdbd.conf"
        slurmdbd   # reads slurmdbd.conf beside SLURM_CONF
        until_ok 30 sacctmgr -n list cluster || die "slurmdbd: see $LOG/slurmdbd.log"
    fi
    has() { sacctmgr -n list assoc "$@" format=cluster%40,account%40,user%40 | grep -q .; }
    has cluster=flexmore || sacctmgr -i add cluster flexmore >/dev/null
    has cluster=flexmore account=test || sacctmgr -i add account test Cluster=flexmore >/dev/null
    has cluster=flexmore account=test user="$(id -un)" ||
        sacctmgr -i add user "$(id -un)" Account=test Cluster=flexmore >/dev/null
}

idle() { [ "$(sinfo -h -p cpu -o %T | sort -u)" = idle ]; }

up() {
    local mode=none
    [ "${1:-}" = --db ] && mode=slurmdbd
    [ "$(id -u)" = 0 ] || die "run as root"
    mkdir -p "$RUN" "$LOG" "$ETC" "$ROOT/state" "$ROOT/spool"; chmod 755 "$ROOT" "$RUN" "$ETC"
    if alive slurmctld && alive slurmd; then
        grep -q "accounting_storage/$mode" "$SLURM_CONF" || die "running in another mode; first: $0 down"
        sinfo -h >/dev/null && { say "already up"; sinfo -N -o '%N %T %c %m %G' >&2; return; }
    fi
    if [ $mode = slurmdbd ]; then install_missing slurmdbd:slurmdbd mariadbd:mariadb-server; else install_missing; fi
    write_conf $mode
    start_munged
    [ $mode = slurmdbd ] && start_db
    alive slurmctld || slurmctld
    until_ok 20 scontrol ping || die "slurmctld: see $LOG/slurmctld.log"
    alive slurmd || slurmd
    if ! until_ok "$WAIT" idle; then
        scontrol update NodeName="$HOST" State=RESUME 2>/dev/null || true   # left DOWN/DRAIN by an earlier kill -9
        until_ok 15 idle || die "node is $(sinfo -h -o '%T %E'); see $LOG/slurmd.log"
    fi
    sinfo -N -o '%N %P %T %c %m %G' >&2
}

restart() {
    alive slurmctld || die "slurmctld is not up"
    stop slurmctld
    slurmctld
    until_ok 20 scontrol ping || die "slurmctld: see $LOG/slurmctld.log"
}

stop() {   # $1: a daemon
    local pid
    pid=$(cat "$RUN/$1.pid")
    kill "$pid" 2>/dev/null || true
    gone() { ! kill -0 "$pid"; }
    until_ok 20 gone || { say "$1 ($pid) did not stop, kill -9"; kill -9 "$pid"; }
    rm -f "$RUN/$1.pid"
}

down() {
    if alive slurmctld; then
        scancel --quiet --state=PENDING -u "$(id -un)" 2>/dev/null || true
        scancel --quiet -u "$(id -un)" 2>/dev/null || true
        no_jobs() { [ -z "$(squeue -h)" ]; }
        until_ok 15 no_jobs || say "jobs still running: $(squeue -h -o %i | xargs)"
    fi
    local d
    for d in "${DAEMONS[@]}"; do
        if alive "$d"; then stop "$d"; else rm -f "$RUN/$d.pid"; fi
    done
    for f in slurm.conf gres.conf cgroup.conf; do
        [ "$(readlink "/etc/slurm/$f" 2>/dev/null)" = "$ETC/$f" ] && rm -f "/etc/slurm/$f"
    done
    say "down"
}

status() {
    local d
    for d in "${DAEMONS[@]}"; do alive "$d" && echo "$d $(cat "$RUN/$d.pid")"; done
    alive slurmctld && { sinfo -N -o '%N %P %T %c %m %G'; squeue; }
}

case ${1:-} in
    up) shift; up "$@" ;;
    down) down ;;
    status) status ;;
    restart) restart ;;
    install) mkdir -p "$LOG"; install_missing slurmdbd:slurmdbd mariadbd:mariadb-server ;;
    *) sed -n '2,9p' "$0" >&2; exit 2 ;;
esac
