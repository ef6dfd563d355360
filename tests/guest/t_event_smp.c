/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Event channels from two CPUs at once: IPIs there and back with none lost,
 * and sends that race with close and bind.
 *
 * Sources: xen/event_channel.h; a send that loses the race against a close may
 * only succeed or say EINVAL.
 *
 * run: smp=2
 */
#include "lib/guest.h"

#define ROUNDS 2000
#define RACES  3000

static evtchn_port_t ping, pong;
static volatile bool stop;
static volatile uint32_t answered;

/* Every ping is answered by one pong, asleep in between. */
static void answer(void *arg)
{
	(void)arg;
	irq_disable();
	while (answered < ROUNDS) {
		while (xen_port_count[ping] == answered)
			irq_wait();
		answered++;
		if (xen_send(pong))
			break;
	}
	irq_enable();
}

static void test_ping_pong(void)
{
	uint32_t n;

	EXPECT_EQ(xen_bind_ipi(1, &ping), 0);
	EXPECT_EQ(xen_bind_ipi(0, &pong), 0);
	cpu_run(1, answer, NULL);
	for (n = 0; n < ROUNDS; n++) {
		EXPECT_EQ(xen_send(ping), 0);
		if (!WAIT_UNTIL(xen_port_count[pong] == n + 1, PATIENCE))
			break;
	}
	EXPECT_EQ(n, ROUNDS);
	EXPECT_EQ(xen_port_count[ping], ROUNDS);
	EXPECT_EQ(xen_port_count[pong], ROUNDS);
	EXPECT(cpu_wait(1, PATIENCE));
}

static volatile evtchn_port_t race_port;
static volatile uint32_t race_sent, race_refused, race_odd;

static void send_all_the_time(void *arg)
{
	long rc;

	(void)arg;
	while (!stop) {
		rc = xen_send(race_port);
		if (rc == 0)
			race_sent++;
		else if (rc == -XEN_EINVAL)
			race_refused++;
		else
			race_odd++;
	}
}

static void test_race(void)
{
	evtchn_port_t a, b, bad = 0;
	unsigned int i;

	EXPECT_EQ(xen_alloc_unbound(DOMID_SELF, DOMID_SELF, &a), 0);
	race_port = a;
	cpu_run(1, send_all_the_time, NULL);
	for (i = 0; i < RACES; i++) {
		bad += xen_bind_interdomain(DOMID_SELF, a, &b) != 0;
		bad += xen_close(i & 1 ? a : b) != 0;
		if (i & 1) {
			/* b is unbound now; give both back and start over. */
			bad += xen_close(b) != 0;
			bad += xen_alloc_unbound(DOMID_SELF, DOMID_SELF, &a) != 0;
			race_port = a;
		}
	}
	stop = true;
	EXPECT(cpu_wait(1, PATIENCE));
	EXPECT_EQ(bad, 0);
	EXPECT_EQ(race_odd, 0);
	EXPECT(race_sent > 0);
	print("%u races, %u sends, %u refused\n", i, race_sent, race_refused);
	EXPECT_EQ(xen_close(a), 0);
}

/* Both CPUs take ports at once: no port is given to both. */
static evtchn_port_t taken[2][256];

static void take(void *arg)
{
	evtchn_port_t *mine = arg;
	unsigned int i;

	for (i = 0; i < 256; i++)
		xen_alloc_unbound(DOMID_SELF, DOMID_SELF, &mine[i]);
}

static void test_take(void)
{
	static uint8_t seen[4096];
	unsigned int cpu, i, twice = 0, bad = 0;

	cpu_run(1, take, taken[1]);
	take(taken[0]);
	EXPECT(cpu_wait(1, PATIENCE));
	for (cpu = 0; cpu < 2; cpu++) {
		for (i = 0; i < 256; i++) {
			twice += seen[taken[cpu][i] & 4095]++ != 0;
			bad += xen_close(taken[cpu][i]) != 0;
		}
	}
	EXPECT_EQ(twice, 0);
	EXPECT_EQ(bad, 0);
}

/* A port that moves between vCPUs under fire loses nothing: the last send always arrives. */
static void send_counted(void *arg)
{
	evtchn_port_t port = *(evtchn_port_t *)arg;

	while (!stop)
		xen_send(port);
}

static void test_move(void)
{
	evtchn_port_t a, b;
	unsigned int i, bad = 0;
	uint32_t before;

	EXPECT_EQ(xen_alloc_unbound(DOMID_SELF, DOMID_SELF, &a), 0);
	EXPECT_EQ(xen_bind_interdomain(DOMID_SELF, a, &b), 0);
	stop = false;
	cpu_run(1, send_counted, &b);
	for (i = 0; i < 1000; i++) {
		bad += xen_bind_vcpu(a, i & 1) != 0;
		cpu_relax();
	}
	EXPECT_EQ(bad, 0);
	stop = true;
	EXPECT(cpu_wait(1, PATIENCE));
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(xen_bind_vcpu(a, i), 0);
		xen_unmask(a);
		EXPECT(WAIT_UNTIL(!xen_pending(a), PATIENCE));
		before = xen_port_count[a];
		EXPECT_EQ(xen_send(b), 0);
		EXPECT(WAIT_UNTIL(xen_port_count[a] == before + 1, PATIENCE));
	}
}

void test_main(void)
{
	xen_events_on();
	irq_enable();
	EXPECT(cpu_start(1));
	test_ping_pong();
	test_race();
	test_take();
	test_move();
	EXPECT_EQ(cpus[0].irq_flags_bad + cpus[1].irq_flags_bad, 0);
}
