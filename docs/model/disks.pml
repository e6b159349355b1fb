/*
 * The disk's vote on three disks: R3, R5 and IO6 for two nodes. Part of the lease model; lease.pml
 * has one disk and everything else.
 *
 * A majority of disks is "the disk": two of three. The property is that the vote has one holder at
 * a time: two that count it at an instant would be two quorate coordinators as soon as each has a
 * node's vote besides.
 *
 * Each node pushes writes and reads through each disk on its own (an io); a cycle is over when two
 * of its disks are done, whichever they are, and the third goes on or is given up. A write lands at
 * any moment between issue and completion, or never. Nothing is urgent: any step may be late.
 * Time is relative, as in lease.pml: countdowns in ticks of the world, a fast and a slow clock, no
 * slack. Not here: daemons that die, concessions, evidence of death, messages (lease.pml).
 *
 * -DBREAK_<rule> breaks one rule, and pan must find the accident. -DREACH_<mark> claims that
 * something never happens, and pan must find that it does.
 */
#ifndef MAXTERM
#define MAXTERM 2   /* terms 1..MAXTERM: odd ones are node 0's, even ones node 1's */
#endif
#ifndef LOSSES
#define LOSSES 0    /* sessions lost, all disks together: what is in flight lands or does not */
#endif
#define D 3

#define LEASE_SLOW 2
#define LEASE_FAST 1
#define WAIT_SLOW  4
#define WAIT_FAST  2
#define LEASE(i) ((i) == fast -> LEASE_FAST : LEASE_SLOW)
#define WAIT(i)  ((i) == fast -> WAIT_FAST  : WAIT_SLOW)
#define PEER(i)  (1 - (i))
#define MINE(t, i) (((t) + 1) % 2 == (i))
#define MAX(a, b) ((a) > (b) -> (a) : (b))
#define DOWN(x) x = ((x) > 0 -> (x) - 1 : 0)

#define MAJORITY 2
#ifdef BREAK_D3_MINORITY_CLOCK    /* the clock starts when the promise was read on one disk */
#define CLOCK_AT 1
#else
#define CLOCK_AT MAJORITY
#endif
#ifdef BREAK_D3_MINORITY_RENEWAL  /* a renewal counts when one disk is done */
#define RENEWED_AT 1
#else
#define RENEWED_AT MAJORITY
#endif
#ifdef BREAK_D3_MINORITY_PROMISE  /* h is what one disk says, and so is that nobody promised more */
#define PROMISED_AT 1
#else
#define PROMISED_AT MAJORITY
#endif

#define IDLE 0
#define PROMISING 1
#define WAITING 2
#define HOLDING 3
#define FREE 0       /* an io: nothing under way */
#define FLYING 1     /* a write that may land */
#define LANDED 2     /* to be read back */
#define DONE 3       /* written, then read, in this cycle */

typedef Slot { byte promise; byte held }
typedef Region { Slot slot[2] }
typedef Io { byte at; byte promise; byte held; bit old }    /* old: of a cycle before */
typedef Node {
  byte state; byte term; byte used; byte held;
  byte h;          /* the highest term held that a done disk of this cycle showed */
  bit higher;      /* a done disk of this cycle showed a promise above `term` */
  bit open;        /* a cycle is under way */
  byte done;       /* disks done in it */
  byte clock;      /* until activation */
  byte from;       /* what is left of a lease counted from the cycle's start */
  byte acting;     /* until when the vote is counted here */
  Io io[D]
}
Region disk[D];
Node n[2];
bit fast;
byte losses;

inline issue(i, d) {
  n[i].io[d].at = FLYING; n[i].io[d].old = 0;
  n[i].io[d].promise = n[i].term; n[i].io[d].held = n[i].held
}
inline start_cycle(i) {
  n[i].open = 1; n[i].done = 0; n[i].h = 0; n[i].higher = 0; n[i].from = LEASE(i);
  d = 0;
  do
  :: d < D ->
     if
     :: n[i].io[d].at == FREE || n[i].io[d].at == DONE -> issue(i, d)
     :: else -> n[i].io[d].old = 1          /* still busy: it joins when it is through */
     fi;
     d++
  :: else -> break
  od;
  d = 0
}
inline end_cycle(i) { n[i].open = 0; n[i].done = 0; n[i].h = 0; n[i].higher = 0; n[i].from = 0 }
inline give_up(i) { end_cycle(i); n[i].state = IDLE; n[i].term = 0; n[i].clock = 0 }

proctype Disk(byte i; byte d) {
  byte p;
  do
  :: d_step {
       n[i].io[d].at == FLYING ->
       disk[d].slot[i].promise = MAX(disk[d].slot[i].promise, n[i].io[d].promise);
       disk[d].slot[i].held = MAX(disk[d].slot[i].held, n[i].io[d].held);
       n[i].io[d].at = LANDED;
       printf("disk %d: slot %d = promise %d held %d\n", d, i, disk[d].slot[i].promise,
              disk[d].slot[i].held)
     }
#if LOSSES
  :: d_step {                                /* it never lands, and the barrier makes sure of it */
       n[i].io[d].at == FLYING && losses < LOSSES ->
       losses++; n[i].io[d].at = FREE; n[i].io[d].promise = 0; n[i].io[d].held = 0;
       n[i].io[d].old = 0;
       printf("disk %d: a write of node %d is lost\n", d, i)
     }
#endif
#ifdef BREAK_D3_READ_ELSEWHERE
  :: d_step { (n[i].io[d].at == LANDED || n[i].io[d].at == FLYING) && !n[i].io[d].old ->
#else
  :: d_step { n[i].io[d].at == LANDED && !n[i].io[d].old ->
#endif
       n[i].io[d].at = DONE; n[i].io[d].promise = 0; n[i].io[d].held = 0;
       if
       :: n[i].open ->
          n[i].done++;
          n[i].h = MAX(n[i].h, MAX(disk[d].slot[0].held, disk[d].slot[1].held));
          p = disk[d].slot[PEER(i)].promise;
          if
          :: p > n[i].term -> n[i].higher = 1
          :: else
          fi;
          p = 0;
          if
          :: n[i].state == PROMISING && n[i].done == CLOCK_AT -> n[i].clock = WAIT(i)
          :: else
          fi
       :: else -> n[i].io[d].at = FREE
       fi;
       printf("node %d: disk %d read back, %d done\n", i, d, n[i].done)
     }
  :: d_step {                                /* a busy one is through with its older cycle */
       n[i].io[d].at == LANDED && n[i].io[d].old ->
       n[i].io[d].old = 0; n[i].io[d].promise = 0; n[i].io[d].held = 0;
       if
       :: n[i].open -> issue(i, d)
       :: else -> n[i].io[d].at = FREE
       fi
     }
  od
}

proctype Daemon(byte i) {
  byte d;
  do
  :: d_step {                                /* a candidate stands, with a term never used */
       n[i].state == IDLE && n[i].acting == 0 ->
       d = n[i].used + 1;
       if
       :: !MINE(d, i) -> d++
       :: else
       fi;
       if
       :: d <= MAXTERM ->
          n[i].used = d; n[i].term = d; n[i].state = PROMISING;
          printf("node %d: PROMISES term %d\n", i, n[i].term);
          start_cycle(i)
       :: else -> d = 0
       fi
     }
  :: d_step {                                /* a term is skipped: the other's was seen */
       n[i].state == IDLE && n[i].used < MAXTERM -> n[i].used++
     }
  :: d_step {
       n[i].state == PROMISING && n[i].done >= PROMISED_AT ->
       if
       :: n[i].higher || n[i].h > n[i].term -> give_up(i)
       :: else ->
          n[i].state = WAITING;
          if
          :: n[i].h == 0 || MINE(n[i].h, i) -> n[i].clock = 0    /* nobody to wait for */
          :: else
          fi;
          printf("node %d: waits, held before: %d\n", i, n[i].h);
          end_cycle(i)
       fi
     }
  :: d_step {                                /* the first renewal, or the next one */
       !n[i].open && ((n[i].state == WAITING && n[i].clock == 0) || n[i].state == HOLDING) ->
       n[i].held = n[i].term;
       printf("node %d: renews\n", i);
       start_cycle(i)
     }
  :: d_step {
       n[i].open && n[i].state >= WAITING && n[i].done >= RENEWED_AT ->
       if
       :: n[i].higher ->
          printf("node %d: sees a higher promise and renews no more\n", i);
          give_up(i)
       :: else ->
          n[i].state = HOLDING;
          n[i].acting = MAX(n[i].acting, n[i].from);
          printf("node %d: COUNTS THE VOTE for %d\n", i, n[i].acting);
#ifdef REACH_D3_TAKEOVER
          assert(!(i == 1 && n[i].acting > 0 && n[0].held > 0));
#endif
          end_cycle(i);
          assert(!(n[0].acting > 0 && n[1].acting > 0))
       fi
     }
  od
}

proctype Clock() {
  byte i;
  do
  :: d_step {
       i = 0;
       do
       :: i < 2 -> DOWN(n[i].clock); DOWN(n[i].from); DOWN(n[i].acting); i++
       :: else -> break
       od;
       i = 0;
       printf("---- tick\n")
     }
  od
}

init {
  atomic {
    if
#ifdef FAST
    :: fast = FAST
#else
    :: fast = 0
    :: fast = 1
#endif
    fi;
    run Clock(); run Daemon(0); run Daemon(1);
    run Disk(0, 0); run Disk(0, 1); run Disk(0, 2);
    run Disk(1, 0); run Disk(1, 1); run Disk(1, 2)
  }
}
