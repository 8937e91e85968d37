package byo.frontend;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelOption;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.unix.RawUnixChannelOption;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A port that is closed without a loss.
 *
 * <p>The kernel completes connections by itself, and resets those that nobody has accepted when the
 * port closes, with the request that may be on them. So it is told to let no further one begin, the
 * others are accepted, and then the port is closed. A client whose first packet was passed over sends
 * it again after a second, and is refused.
 */
final class Port {

    private static final Logger LOG = LoggerFactory.getLogger(Port.class);

    /** How long a connection may take that has begun. */
    private static final long HANDSHAKE_MILLISECONDS = 100;

    /** Linux: the level of a socket's own options, and that of a filter of its packets. */
    private static final int SOL_SOCKET = 1;

    private static final int SO_ATTACH_FILTER = 26;

    /** struct sock_fprog: the number of steps, and where they are. */
    private static final int PROGRAM_BYTES = 16;

    /** A packet that begins a connection has SYN and not ACK among its flags. It is dropped. */
    private static final long[][] STEPS = {
        {0x30, 0, 0, 13}, // load the byte of the flags
        {0x54, 0, 0, 0x12}, // SYN and ACK alone
        {0x15, 0, 1, 0x02}, // if it is SYN, the next, else the one after
        {0x06, 0, 0, 0}, // drop
        {0x06, 0, 0, 0xffffffffL}, // keep
    };

    private final Channel channel;

    Port(Channel channel) {
        this.channel = channel;
    }

    /** Close the port; the latch is told when that is done. */
    void close(CountDownLatch closed) {
        channel.closeFuture().addListener(done -> closed.countDown());
        long pause = refuseMore() ? HANDSHAKE_MILLISECONDS : 0;
        // On the thread that accepts, which does so before it comes to this.
        channel.eventLoop().schedule(() -> channel.close(), pause, TimeUnit.MILLISECONDS);
    }

    /** Whether no connection begins from now on; if not, one may be reset at the last moment. */
    private boolean refuseMore() {
        if (!(channel instanceof EpollServerSocketChannel)) {
            return false;
        }
        ByteBuf steps = Unpooled.directBuffer(STEPS.length * Long.BYTES);
        try {
            ByteBuffer code = steps.nioBuffer(0, STEPS.length * Long.BYTES).order(ByteOrder.nativeOrder());
            for (long[] step : STEPS) {
                code.putShort((short) step[0]).put((byte) step[1]).put((byte) step[2]).putInt((int) step[3]);
            }
            ByteBuffer program = ByteBuffer.allocate(PROGRAM_BYTES).order(ByteOrder.nativeOrder());
            program.putShort(0, (short) STEPS.length).putLong(Long.BYTES, steps.memoryAddress());
            ChannelOption<ByteBuffer> filter =
                    new RawUnixChannelOption("SO_ATTACH_FILTER", SOL_SOCKET, SO_ATTACH_FILTER, PROGRAM_BYTES);
            return channel.config().setOption(filter, program);
        } catch (RuntimeException error) {
            LOG.debug("connections can't be refused before the port is closed", error);
            return false;
        } finally {
            steps.release();
        }
    }
}
