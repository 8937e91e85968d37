package byo.frontend;

import io.netty.channel.Channel;
import java.util.Collection;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Ends the frontend without breaking anything off: runs when the JVM is told to end.
 *
 * <p>First the ports are closed, so that whoever connects is refused. What has been accepted is
 * answered, and each connection closed after its answer; one on which nothing comes is closed after
 * a moment. What takes too long is answered with 503.
 */
final class Drain extends Thread {

    static final Drain SERVER = new Drain();

    private static final Logger LOG = LoggerFactory.getLogger(Drain.class);

    /** How long a connection may rest: its client may have sent something that is on its way. */
    private static final long IDLE_MILLISECONDS = 2000;

    /** How long the last answers may take to be sent. */
    private static final long LAST_MILLISECONDS = 2000;

    private static final long LOOK_MILLISECONDS = 20;

    private final Set<Port> ports = ConcurrentHashMap.newKeySet();
    private final Set<Connection> connections = ConcurrentHashMap.newKeySet();
    private volatile boolean isUnderWay;

    private Drain() {
        super("drain");
    }

    /** A port has been opened. */
    void opened(Channel port) {
        ports.add(new Port(port));
    }

    void accepted(Connection connection) {
        connections.add(connection);
    }

    void closed(Connection connection) {
        connections.remove(connection);
    }

    boolean isUnderWay() {
        return isUnderWay;
    }

    /** How long it may take until what is left is answered with 503, as `serve` says. */
    private static long seconds() {
        return Long.getLong("byo.drain", 20);
    }

    @Override
    public void run() {
        isUnderWay = true;
        long start = System.nanoTime();
        closePorts(ports);
        waitWhileOpen(start, IDLE_MILLISECONDS);
        for (Connection connection : connections) {
            connection.closeIfIdle();
        }
        waitWhileOpen(start, TimeUnit.SECONDS.toMillis(seconds()));
        int count = 0;
        for (Connection connection : connections) {
            count += connection.giveUp() ? 1 : 0;
        }
        if (count > 0) {
            LOG.warn("{} requests were still under way {} s after the stop: answered with 503",
                    count, seconds());
        }
        waitWhileOpen(System.nanoTime(), LAST_MILLISECONDS);
    }

    private static void closePorts(Collection<Port> ports) {
        CountDownLatch closed = new CountDownLatch(ports.size());
        for (Port port : ports) {
            port.close(closed);
        }
        try {
            closed.await(LAST_MILLISECONDS, TimeUnit.MILLISECONDS);
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
        }
    }

    private void waitWhileOpen(long since, long milliseconds) {
        long until = since + TimeUnit.MILLISECONDS.toNanos(milliseconds);
        while (!connections.isEmpty() && System.nanoTime() < until) {
            try {
                Thread.sleep(LOOK_MILLISECONDS);
            } catch (InterruptedException error) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }
}
