/*
 * The lease rules of Fencepost (R1, R2, R3, R5, R5a, R6) for two nodes and one disk.
 *
 * E = 3: each node has one vote, the disk has one. A coordinator is quorate while it holds leases
 * on two of the three. The property is S1: never two quorate coordinators at an instant.
 *
 * How to read this. A node is three things in one daemon: a VOTER (lends its own vote), a CANDIDATE
 * (collects votes for a term) and a writer of one SLOT on the disk (through which the disk's vote
 * is lent). Beside the daemon live its CONSUMERS: whatever acts while quorate. They know the lease
 * as an absolute deadline and survive the daemon (R6), but not the machine.
 * Five kinds of process take turns in any order, each step being one event:
 *   Clock  time passes, at a different rate on each node     Wire   asks and answers on the network
 *   Disk   a write lands or is lost, at any time after issue Node   decisions of the daemon
 *   Fault  daemon killed, stopped, started; machine reset
 * Nothing is urgent: any step may be delayed for any time, so a paused daemon, a slow disk and a
 * silent network need no steps of their own.
 *
 * Time is relative: every deadline is a countdown on the clock of the node it belongs to, so the
 * number of states is finite. Terms are bounded by MAXTERM, faults by RESTARTS/REBOOTS/STOPS.
 *
 * -DBREAK_<rule> breaks one rule, and pan must find the accident. -DREACH_<mark> claims that
 * something never happens, and pan must find that it does. See README.md.
 */

/* ---- bounds; `run` sets them with -D -------------------------------------------------------- */
#ifndef MAXTERM
#define MAXTERM 4   /* terms 1..MAXTERM: odd ones are node 0's, even ones node 1's */
#endif
#ifndef RESTARTS
#define RESTARTS 0  /* daemons killed, both nodes together */
#endif
#ifndef REBOOTS
#define REBOOTS 0   /* machines reset */
#endif
#ifndef STOPS
#define STOPS 0     /* daemons stopped cleanly */
#endif
#ifndef CONCEDES
#define CONCEDES 0  /* 1: a candidate may concede any of its terms */
#endif
#ifndef ASKS
#define ASKS 1      /* messages in flight per candidate; with 2 they overtake each other */
#endif

#ifndef NETWORK
#define NETWORK 0   /* 1: asks and answers are in flight; 0: an ask is answered at once or lost */
#endif
#ifndef SLOW_READS
#define SLOW_READS 0 /* 1: time and other events pass between a read and what follows from it */
#endif
#ifndef EARLY_CLOCK
#define EARLY_CLOCK 0 /* 1: the activation clock may start at any read, also before the promise */
#endif

/*
 * Clocks. One tick of the world is 1 unit on the slow node and 2 units on the fast one: drift is
 * 100 %. The lease is 2 units; a waiting party takes (1 + drift) * 2 = 4 units. In ticks:
 *          lease L      wait (1+drift)L
 *   slow      2              4
 *   fast      1              2     <- exactly as long as the slow node's lease: no slack
 * eps is 0: expiry and the end of a wait in one tick are simultaneous, which is the limit case.
 */
#ifndef LEASE_SLOW
#define LEASE_SLOW 2
#define LEASE_FAST 1
#define WAIT_SLOW  4
#define WAIT_FAST  2
#endif
#define LEASE(i) ((i) == fast -> LEASE_FAST : LEASE_SLOW)
#define WAIT(i)  ((i) == fast -> WAIT_FAST  : WAIT_SLOW)

#ifdef BREAK_R3_VOTER_DRIFT       /* a voter's grant ends after D of its own clock */
#define GRANT_FOR(i) LEASE(i)
#else
#define GRANT_FOR(i) WAIT(i)
#endif
#ifdef BREAK_R5_WAIT_DRIFT        /* activation waits L of its own clock */
#define ACTIVATION(i) LEASE(i)
#else
#define ACTIVATION(i) WAIT(i)
#endif

#define PEER(i)  (1 - (i))
#define OWNER(t) (((t) + 1) % 2)             /* a term names its holder's node */
#define NEXT(i)  (n[i].term == 0 -> (i) + 1 : n[i].term + 2)
#define MORE(i)  (NEXT(i) <= MAXTERM)        /* may still become a candidate for another term */
#define MAX(a,b) ((a) > (b) -> (a) : (b))
#define MIN(a,b) ((a) < (b) -> (a) : (b))
/* two of three leases: the second longest is the deadline of the quorum */
#define SECOND(a,b,c) MAX(MIN(a, b), MIN(MAX(a, b), c))

/* ---- what is on the disk -------------------------------------------------------------------- */
typedef Slot {                 /* written by its own node only */
  unsigned promise : 3;        /* no disk lease of a lower term is renewed once this is read */
  unsigned held : 3;           /* the highest term this node may have held the disk's vote in */
  unsigned conceded : 3;       /* this node acts in no term up to here, ever again */
  unsigned boot : 2;           /* boot identity of the writer */
  unsigned held_boot : 2       /* boot identity that wrote `held` (the term names it) */
};
Slot slot[2];

/* ---- a node --------------------------------------------------------------------------------- */
#define UP   0                 /* daemon runs */
#define DOWN 1                 /* daemon dead, machine and consumers alive */
#define OFF  2                 /* machine dead, consumers with it */

#define IDLE      0            /* not a candidate */
#define CANDIDATE 1            /* collects votes for n.term; nothing on the disk yet */
#define PROMISED  2            /* promise on the disk, h is read, activation wait runs */
#define HOLDER    3            /* activated: renews the disk lease */
#define BEATEN    4            /* saw a higher promise: no more disk renewals in this term */
#define CONCEDING 5            /* dropped its leases, waits for the consumers' acknowledgement */
#define ACTIVE(i) (n[i].state >= CANDIDATE && n[i].state <= BEATEN)

#define NO_IO   0              /* a cycle: write the own slot, then read the other one */
#define PROMISE 1
#define RENEW   2
#define PUBLISH 3              /* write only: concession, new boot or incarnation */

#define WRITING 0              /* phases of a cycle */
#define LANDED  1              /* write completed, read not yet */
#define READ    2              /* slot contents sampled, not yet acted upon */

typedef NodeState {
  /* durable */
  unsigned term : 3;           /* the last own term used; never reused (counter) */
  unsigned granted : 3;        /* R1: the highest term this voter has granted */
  unsigned clean : 1;          /* R2: the record of a clean stop */
  /* the machine */
  unsigned power : 2;          /* UP, DOWN, OFF */
  unsigned boot : 2;           /* boot identity */
  unsigned acting : 3;         /* consumers act for so long yet: the published deadline */
  /* voter, volatile */
  unsigned grant : 3;          /* the grant of `granted` is live for so long yet */
  unsigned restart_wait : 3;   /* R2: grants nothing for so long yet */
  /* candidate, volatile */
  unsigned state : 3;
  unsigned own : 3;            /* leases for n.term: the own vote, */
  unsigned peer : 3;           /* the peer's vote, */
  unsigned disk : 3;           /* the disk's vote */
  unsigned silent : 1;         /* R6: restarted in the same boot, not yet published */
  unsigned drop : 3;           /* R6: or until so long from the start */
  unsigned h : 3;              /* R5: the term held that the activation wait is against; 0 none */
  unsigned seen : 3;           /* R5: a promise this candidate has read, */
  unsigned clock : 3;          /*     and what is left of the wait counted from that read */
  /* disk I/O */
  unsigned io : 2;             /* NO_IO, PROMISE, RENEW, PUBLISH */
  unsigned phase : 2;
  unsigned higher : 1;         /* the read showed a promise above n.term */
  unsigned from : 3;           /* what is left of a lease counted from the cycle's begin */
  unsigned known : 1           /* R5a: own slot was read by this incarnation */
};
NodeState n[2];
Slot image[2];                 /* what the daemon knows to be, or wants, in its own slot */
Slot flying[2];                /* the write that was issued and has not landed */
bit  inflight[2];
#ifdef BREAK_R5_HELD_EARLY
byte held_before[2];           /* `held` before the present promise */
#endif
#ifdef BREAK_R5_POWER_BEFORE_H
bit  saw_off[2];               /* some query, some time, said that the peer is off */
#endif
#if defined(BREAK_R5A_BARRIER) || defined(BREAK_IO_TWO_WRITES)
#define ZOMBIES
Slot zombie[2];                /* an older write that was not waited for */
bit  undead[2];
#endif

/* ---- the network ---------------------------------------------------------------------------- */
#define NONE  0
#define ASK   1
#define GRANT 2
typedef Message {              /* of candidate k % 2 and back to it */
  unsigned kind : 2;
  unsigned term : 3;
  unsigned left : 3            /* of the lease, counted on the asker's clock from before the ask */
};
#if NETWORK
Message msg[2 * ASKS];
#endif

bit  fast;                     /* which node's clock is fast */
unsigned restarts : 2, reboots : 2, stops : 2;

/* ---- marks: has the run proved something? --------------------------------------------------- */
#if defined(REACH_EXPIRY) || defined(REACH_CONCESSION) || defined(REACH_BOOT) || \
    defined(REACH_POWER)
#define BY_NOTHING 0
#define BY_EXPIRY 1
#define BY_CONCESSION 2
#define BY_BOOT 3
#define BY_POWER 4
byte by[2];                    /* what ended this candidate's activation wait */
#define ENDED_BY(i, x) by[i] = x
#ifdef REACH_EXPIRY
#define MARKED BY_EXPIRY
#endif
#ifdef REACH_CONCESSION
#define MARKED BY_CONCESSION
#endif
#ifdef REACH_BOOT
#define MARKED BY_BOOT
#endif
#ifdef REACH_POWER
#define MARKED BY_POWER
#endif
/* a takeover: quorate with the disk's vote, after another holder's lease was waited for */
#define TAKEOVER(i) assert(!(n[i].acting > 0 && n[i].disk > 0 && by[i] == MARKED))
#else
#define ENDED_BY(i, x) skip
#define TAKEOVER(i) skip
#endif
#if defined(REACH_RESTART) || defined(REACH_CLEAN)
bit after_wait[2], after_clean[2]; /* this voter starts anew, having granted before */
#endif

/* ---- S1 ------------------------------------------------------------------------------------- */
/* Hand the deadline to the consumers. Only this makes a coordinator quorate, so that the assertion
 * here is the assertion in every state. */
inline publish(i) {
  n[i].acting = MAX(n[i].acting, SECOND(n[i].own, n[i].peer, n[i].disk));
  if
  :: n[i].acting > 0 -> printf("node %d: quorate in term %d for %d ticks\n", i, n[i].term, n[i].acting)
  :: else
  fi;
  assert(!(n[0].acting > 0 && n[1].acting > 0));   /* S1 */
  TAKEOVER(i);
  shed(i)
}

/* Fewer states, same behaviour: a lease that ends no later than `acting` cannot lengthen it, for
 * that takes two that are longer, and both count down on the same clock. It is forgotten. */
#define SHED(x, i) x = (x <= n[i].acting -> 0 : x)
inline shed(i) {
  SHED(n[i].own, i); SHED(n[i].peer, i); SHED(n[i].disk, i); SHED(n[i].from, i)
}
/* For the same reason an answer that comes too late for that, or for a term that its candidate left,
 * is as good as lost. */
inline shed_message(k) {
#ifndef BREAK_R3_NODE_AFTER
  SHED(msg[k].left, k % 2);
#ifndef BREAK_R3_OLD_ANSWER
  if
  :: !ACTIVE(k % 2) || msg[k].term != n[k % 2].term -> msg[k].left = 0
  :: else
  fi;
#endif
  if
  :: msg[k].kind == GRANT && msg[k].left == 0 -> msg[k].kind = NONE; msg[k].term = 0
  :: else
  fi
#else
  skip
#endif
}
inline shed_messages(i) {
#if NETWORK
  shed_message(i);
#else
  skip;
#endif
#if ASKS > 1
  shed_message(i + 2)
#endif
}

/* ---- the clock ------------------------------------------------------------------------------ */
inline count(x) { x = (x > 0 -> x - 1 : 0) }
inline tick(i) {
  count(n[i].acting); count(n[i].grant); count(n[i].restart_wait);
  count(n[i].own); count(n[i].peer); count(n[i].disk);
  count(n[i].drop); count(n[i].clock); count(n[i].from)
}
active proctype Clock() {
  do
  :: d_step {
       printf("---- tick\n");
       tick(0); tick(1);
#if NETWORK
       count(msg[0].left); count(msg[1].left);
#endif
#if ASKS > 1
       count(msg[2].left); count(msg[3].left);
#endif
       shed_messages(0); shed_messages(1)
     }
  od
}

/* ---- the voter ------------------------------------------------------------------------------ */
/* R1: busy while a grant to another term is live; never below the highest term granted.
 * R2: nothing during the restart wait, which only a recorded clean stop makes unnecessary. */
#ifdef BREAK_R1_GRANT_WHILE_LIVE
#define BUSY(v, t) false
#else
#define BUSY(v, t) (n[v].grant > 0 && n[v].granted != (t))
#endif
#define MAY_GRANT(v, t) (n[v].restart_wait == 0 && !BUSY(v, t) && (t) >= n[v].granted)

#if defined(BREAK_R2_RECORD_WHILE_LIVE)
#define MAY_RECORD(v) (n[v].restart_wait == 0)
#elif defined(BREAK_R2_RECORD_IN_WAIT)
#define MAY_RECORD(v) (n[v].grant == 0)
#else
#define MAY_RECORD(v) (n[v].restart_wait == 0 && n[v].grant == 0)
#endif

inline lend(w, in_term) {
  n[w].granted = in_term;            /* durable before the answer leaves */
  n[w].grant = GRANT_FOR(w);
#ifndef BREAK_R2_RECORD_KEPT
  n[w].clean = 0;              /* R2: erased before the first grant */
#endif
#ifdef REACH_RESTART
  assert(!after_wait[w]);
#endif
#ifdef REACH_CLEAN
  assert(!after_clean[w])
#endif
}

/* ---- the network: k names a message in flight, lost, late and overtaking others ------------- */
#define A (k % 2)              /* the candidate that asks */
#define V (1 - (k % 2))        /* the voter that answers */
proctype Wire(byte k) {
  do
#if !NETWORK
  :: d_step {
       n[A].power == UP && ACTIVE(A) && n[V].power == UP && MAY_GRANT(V, n[A].term) ->
       lend(V, n[A].term); n[A].peer = LEASE(A);
       printf("node %d: asks for and holds node %d's vote in term %d\n", A, V, n[A].term);
       publish(A)
     }
#else
  :: d_step { /* the candidate asks, or renews; its lease counts from now, before the ask */
       n[A].power == UP && ACTIVE(A) && msg[k].kind == NONE ->
       msg[k].kind = ASK; msg[k].term = n[A].term; msg[k].left = LEASE(A); shed_message(k);
       printf("node %d: asks node %d for its vote in term %d\n", A, V, n[A].term)
     }
  :: d_step { /* R1: busy while a grant to another term is live; never below `granted` */
       msg[k].kind == ASK && n[V].power == UP && MAY_GRANT(V, msg[k].term) ->
       lend(V, msg[k].term);
       printf("node %d: grants its vote to node %d in term %d\n", V, A, msg[k].term);
#ifdef BREAK_R3_NODE_AFTER
       msg[k].kind = GRANT
#else
       if
       :: msg[k].left > 0 -> msg[k].kind = GRANT
       :: else -> msg[k].kind = NONE; msg[k].term = 0
       fi
#endif
     }
  :: d_step { /* R3: the answer; ignored unless it is for the term this candidate is active in */
       msg[k].kind == GRANT && n[A].power == UP ->
       if
#ifdef BREAK_R3_OLD_ANSWER
       :: ACTIVE(A) ->
#else
       :: ACTIVE(A) && msg[k].term == n[A].term ->
#endif
#ifdef BREAK_R3_NODE_AFTER
          n[A].peer = LEASE(A);
#else
          n[A].peer = MAX(n[A].peer, msg[k].left);
#endif
          printf("node %d: holds node %d's vote (answer for term %d)\n", A, V, msg[k].term);
          publish(A)
       :: else
       fi;
       msg[k].kind = NONE; msg[k].term = 0; msg[k].left = 0;
       shed_messages(A)
     }
  :: d_step { msg[k].kind != NONE -> msg[k].kind = NONE; msg[k].term = 0; msg[k].left = 0 } /* lost */
#endif
  od
}
#undef A
#undef V

/* ---- the disk ------------------------------------------------------------------------------- */
inline copy(to, what) {
  to.promise = what.promise; to.held = what.held; to.conceded = what.conceded;
  to.boot = what.boot; to.held_boot = what.held_boot
}
inline wipe(it) {
  it.promise = 0; it.held = 0; it.conceded = 0; it.boot = 0; it.held_boot = 0
}
inline end_io(i) {
  n[i].io = NO_IO; n[i].phase = WRITING; n[i].higher = 0; n[i].from = 0
}
proctype Disk(byte i) {
  do
  :: d_step { /* a write lands, whether its issuer still lives and waits for it or not */
       inflight[i] ->
       copy(slot[i], flying[i]); wipe(flying[i]); inflight[i] = 0;
       printf("disk: slot %d = promise %d held %d conceded %d boot %d\n", i, slot[i].promise,
              slot[i].held, slot[i].conceded, slot[i].boot);
       if
       :: n[i].io == PUBLISH -> end_io(i)
       :: n[i].io == PROMISE || n[i].io == RENEW -> n[i].phase = LANDED
       :: else
       fi
     }
  :: d_step { /* a write fails for good: it will not land, and the issuer knows */
       inflight[i] -> wipe(flying[i]); inflight[i] = 0; end_io(i)
     }
#ifdef ZOMBIES
  :: d_step {
       undead[i] -> copy(slot[i], zombie[i]); wipe(zombie[i]); undead[i] = 0;
       printf("disk: an OLD write lands: slot %d = promise %d held %d conceded %d\n", i,
              slot[i].promise, slot[i].held, slot[i].conceded)
     }
#endif
  od
}

#include "daemon.pml"          /* the daemon: terms, promise, activation, lease, concession */

#include "faults.pml"          /* daemons that die and start, machines that lose power */

init {
  byte k = 0;
  atomic {
    if
#ifdef FAST
    :: fast = FAST
#else
    :: fast = 0
    :: fast = 1
#endif
    fi;
    n[0].known = 1; n[1].known = 1;
    do
    :: k < 2 * ASKS -> run Wire(k); k++
    :: else -> break
    od;
    k = 0;
    run Disk(0); run Disk(1); run Node(0); run Node(1);
#if RESTARTS || REBOOTS || STOPS
    run Fault(0); run Fault(1)
#endif
  }
}
