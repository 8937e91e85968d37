package byo.frontend;

import io.netty.channel.Channel;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.util.ReferenceCountUtil;
import java.nio.channels.ClosedChannelException;
import java.util.concurrent.TimeUnit;

/**
 * One client's connection: knows what is under way on it, and closes it after its answer when the
 * server drains.
 *
 * <p>The first handler that sees requests as such, so that it sees the answers of all the others.
 */
final class Connection extends ChannelDuplexHandler {

    /** How long a client may take to close a connection that has its last answer. */
    private static final long CLOSING_MILLISECONDS = 1000;

    private ChannelHandlerContext context;
    private HttpRequest last;
    private int underWay;
    private volatile boolean isBusy;
    private boolean isClosing;

    @Override
    public void handlerAdded(ChannelHandlerContext added) {
        context = added;
        Drain.SERVER.accepted(this);
        added.channel().closeFuture().addListener(closed -> Drain.SERVER.closed(this));
    }

    @Override
    public void channelRead(ChannelHandlerContext ignored, Object message) {
        if (isClosing) {
            ReferenceCountUtil.release(message);
            return;
        }
        if (message instanceof HttpRequest) {
            last = (HttpRequest) message;
            count(1);
        }
        context.fireChannelRead(message);
    }

    @Override
    public void write(ChannelHandlerContext ignored, Object message, ChannelPromise promise) {
        if (isClosing) {
            ReferenceCountUtil.release(message);
            promise.tryFailure(new ClosedChannelException());
            return;
        }
        if (message instanceof HttpResponse && isFinal((HttpResponse) message)) {
            count(-1);
            if (Drain.SERVER.isUnderWay() && underWay == 0) {
                ((HttpResponse) message)
                        .headers()
                        .set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
                context.write(message, promise.unvoid()).addListener(sent -> closeAfterwards());
                isClosing = true;
                return;
            }
        }
        context.write(message, promise);
    }

    /** Close it if nothing is under way. */
    void closeIfIdle() {
        context.executor().execute(() -> {
            if (underWay == 0 && !isClosing) {
                isClosing = true;
                closeAfterwards();
            }
        });
    }

    /** Answer what is under way with 503; whether there was anything. */
    boolean giveUp() {
        boolean wasBusy = isBusy;
        context.executor().execute(() -> {
            if (underWay > 0 && !isClosing) {
                Answer answer = Answer.problem(
                        HttpResponseStatus.SERVICE_UNAVAILABLE, "the server is stopping");
                isClosing = true;
                context.writeAndFlush(answer.response(context.channel(), last, true))
                        .addListener(sent -> closeAfterwards());
            }
        });
        return wasBusy;
    }

    /** What comes before the answer itself, such as 100, is not final. */
    private static boolean isFinal(HttpResponse response) {
        return response.status().code() >= HttpResponseStatus.OK.code();
    }

    private void count(int more) {
        underWay += more;
        isBusy = underWay > 0;
    }

    /**
     * All is sent. The other direction stays open for a moment: were it closed while bytes come, the
     * client would be told of that, and perhaps before it has read its answer.
     */
    private void closeAfterwards() {
        Channel channel = context.channel();
        if (channel instanceof DuplexChannel) {
            ((DuplexChannel) channel).shutdownOutput();
        }
        context.executor().schedule(
                () -> channel.close(), CLOSING_MILLISECONDS, TimeUnit.MILLISECONDS);
    }
}
