package byo.frontend;

import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.AsciiString;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.TimeUnit;

/**
 * Counts what passes to the frontend on one connection, and what it has answered; notes when each
 * invocation has come.
 *
 * <p>A worker reads that time from a header which no user code gets to see. It is that of the clock
 * that all processes share, so the worker knows how long the invocation has waited.
 */
final class BacklogCount extends ChannelDuplexHandler {

    private static final AsciiString ARRIVED = AsciiString.cached("x-byo-arrived");
    private static final char[] DIGITS = "0123456789abcdef".toCharArray();
    private static final int TIME_DIGITS = 16;

    /** As proxies write it where the client has left before its answer. */
    private static final int CLIENT_LEFT = 499;

    /** A request that is no invocation. */
    private static final UnderWay OTHER = new UnderWay(null, null);

    /** A request that the frontend has, and where it counts. */
    private static final class UnderWay {
        private final Backlog backlog; // null where there is no such model
        private final InvocationCounts counts; // null where nothing is counted

        private UnderWay(Backlog backlog, InvocationCounts counts) {
            this.backlog = backlog;
            this.counts = counts;
        }
    }

    private final Deque<UnderWay> underWay = new ArrayDeque<>();
    private HttpRequest arriving; // an invocation of which the last byte has not come

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        if (message instanceof HttpRequest) {
            underWay.add(begun((HttpRequest) message));
        }
        if (arriving != null && message instanceof LastHttpContent) {
            arriving.headers().set(ARRIVED, digits(System.nanoTime()));
            arriving = null;
        }
        context.fireChannelRead(message);
    }

    private UnderWay begun(HttpRequest request) {
        Target target = Target.of(request);
        arriving = null;
        if (target == null || !target.isInvocation()) {
            return OTHER;
        }
        Backlog backlog = Backlog.of(target);
        if (backlog != null) {
            backlog.begun();
        }
        InvocationCounts counts = null;
        if (InvocationCounts.ARE_WANTED && request.decoderResult().isSuccess()) {
            counts = InvocationCounts.of(target);
            counts.begun();
            arriving = request;
        }
        return new UnderWay(backlog, counts);
    }

    @Override
    public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
        if (message instanceof HttpResponse) {
            HttpResponse response = (HttpResponse) message;
            int status = response.status().code();
            if (status >= HttpResponseStatus.OK.code() && !underWay.isEmpty()) {
                UnderWay one = underWay.remove();
                if (one.backlog != null) {
                    answered(one.backlog, response);
                }
                if (one.counts != null) {
                    one.counts.answered(status);
                }
            }
        }
        context.write(message, promise);
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        for (UnderWay one : underWay) {
            if (one.backlog != null) {
                context.executor().schedule(
                        one.backlog::abandoned,
                        one.backlog.remainingMilliseconds(),
                        TimeUnit.MILLISECONDS);
            }
            if (one.counts != null) {
                one.counts.answered(CLIENT_LEFT);
            }
        }
        underWay.clear();
        context.fireChannelInactive();
    }

    /** The frontend's own 503 means that its queue is full, or that the model has no worker. */
    private static void answered(Backlog backlog, HttpResponse response) {
        if (HttpResponseStatus.SERVICE_UNAVAILABLE.equals(response.status())) {
            if (!response.headers().contains(HttpHeaderNames.RETRY_AFTER)) {
                response.headers().set(HttpHeaderNames.RETRY_AFTER, backlog.retrySeconds());
            }
            backlog.abandoned();
        } else {
            backlog.answered();
        }
    }

    /** A time in as many digits as any other, so that a worker knows where it ends. */
    private static String digits(long time) {
        char[] digits = new char[TIME_DIGITS];
        for (int place = 0; place < TIME_DIGITS; place++) {
            digits[place] = DIGITS[(int) (time >>> 4 * (TIME_DIGITS - 1 - place)) & 0xf];
        }
        return new String(digits);
    }
}
