package byo.frontend;

import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;
import java.util.concurrent.TimeUnit;

/**
 * Answers what the frontend should not, or can't; all else passes unchanged.
 *
 * <p>One for each connection. It sees a request's head first: what it answers is answered before the
 * body has come, and the body is dropped piece by piece as it comes, so that the client can send all
 * of it and then read the answer.
 */
final class RequestGuard extends ChannelInboundHandlerAdapter {

    /** How long a client may still send that has been told that its connection closes. */
    private static final long CLOSING_SECONDS = 5;

    private boolean isDropping;
    private boolean isClosing;

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) throws Exception {
        if (!isClosing && message instanceof HttpRequest) {
            HttpRequest request = (HttpRequest) message;
            isDropping = true; // what is still to come of it
            isDropping = answers(context, request);
        }
        if (isDropping || isClosing) {
            drop(context, message);
        } else {
            context.fireChannelRead(message);
        }
    }

    /** Whether a request is answered here, if not at once. */
    private boolean answers(ChannelHandlerContext context, HttpRequest request) {
        Target target = request.decoderResult().isSuccess() ? Target.of(request) : null;
        if (target == null) {
            return false; // the frontend says so
        }
        if (target.isMetrics() && HttpMethod.GET.equals(request.method())) {
            Metrics.ask(context, request, answer -> send(context, request, answer));
            return true;
        }
        Answer answer = answerTo(request, target);
        if (answer != null) {
            InvocationCounts.refused(target, answer);
            send(context, request, answer);
        }
        return answer != null;
    }

    private void drop(ChannelHandlerContext context, Object message) {
        boolean isLast = message instanceof LastHttpContent;
        ReferenceCountUtil.release(message);
        isDropping = !isLast;
        if (isClosing && isLast) {
            context.close();
        }
    }

    /** What is answered here, or null if the request is the frontend's. */
    private static Answer answerTo(HttpRequest request, Target target) {
        if (target.isMetrics()) {
            return Answer.methodNotAllowed(request.method(), HttpMethod.GET);
        }
        if (target.isPing()) {
            String reason = Readiness.SERVER.whyNot();
            return reason == null ? null : Answer.unhealthy(reason);
        }
        if (target.isExecutionParameters() && HttpMethod.GET.equals(request.method())) {
            String document = ExecutionParameters.SERVER.document();
            return document == null ? null : Answer.json(document);
        }
        Answer refusal = Forms.refusal(request, target);
        if (refusal == null) {
            refusal = TargetModels.refusal(request, target);
        }
        return refusal != null ? refusal : Backlog.refusal(target);
    }

    private void send(ChannelHandlerContext context, HttpRequest request, Answer answer) {
        // Who asks first whether to send the body may send it or not, now that it is refused.
        boolean closes = !HttpUtil.isKeepAlive(request)
                || request.headers().contains(HttpHeaderNames.EXPECT);
        ChannelFuture sent =
                context.writeAndFlush(answer.response(context.channel(), request, closes));
        if (closes && !isDropping) {
            isClosing = true;
            sent.addListener(ChannelFutureListener.CLOSE);
        } else if (closes) {
            // Not at once: a connection on which bytes are still coming would be reset, and the
            // client would not get to see its answer.
            isClosing = true;
            context.executor().schedule(() -> context.close(), CLOSING_SECONDS, TimeUnit.SECONDS);
        }
    }
}
