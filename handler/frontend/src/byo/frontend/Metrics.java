package byo.frontend;

import com.google.gson.JsonObject;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoop;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.socket.DuplexChannel;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.util.CharsetUtil;
import io.netty.util.ReferenceCountUtil;
import java.nio.file.Paths;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Asks `serve` for the text of /metrics, telling it what is counted here.
 *
 * <p>By a socket in the scratch folder: the question is a JSON document up to the end of what is
 * sent, the answer a content type, a line's end and the text. All of it on the thread of the
 * connection that asks, which goes on with others meanwhile.
 */
final class Metrics extends ChannelInboundHandlerAdapter {

    private static final String SOCKET = "metrics.sock";
    private static final long WAIT_SECONDS = Long.getLong("byo.metrics.wait", 5);

    private final ByteBuf received = Unpooled.buffer();
    private Consumer<Answer> whenAnswered; // null once it is

    private Metrics(Consumer<Answer> whenAnswered) {
        this.whenAnswered = whenAnswered;
    }

    /** Ask for the text; it is answered once, and on the thread of the client's connection. */
    static void ask(ChannelHandlerContext client, HttpRequest request, Consumer<Answer> whenAnswered) {
        EventLoop loop = client.channel().eventLoop();
        if (!InvocationCounts.ARE_WANTED) {
            whenAnswered.accept(Answer.problem(
                    HttpResponseStatus.NOT_FOUND, "nothing is measured here, by BYO_METRICS=off"));
            return;
        }
        Metrics asking = new Metrics(whenAnswered);
        String folder = System.getProperty("byo.folder");
        if (folder == null || !(client.channel() instanceof EpollSocketChannel)) {
            asking.fail("there is no way to it on this system");
            return;
        }
        String question = question(request);
        ChannelFuture connected = new Bootstrap()
                .group(loop)
                .channel(EpollDomainSocketChannel.class)
                .handler(asking)
                .connect(new DomainSocketAddress(Paths.get(folder, SOCKET).toString()));
        connected.addListener(done -> {
            if (done.isSuccess()) {
                connected.channel()
                        .writeAndFlush(Unpooled.copiedBuffer(question, CharsetUtil.UTF_8))
                        .addListener(sent -> ((DuplexChannel) connected.channel()).shutdownOutput());
            } else {
                asking.fail("it does not listen (" + done.cause().getMessage() + ")");
            }
        });
        loop.schedule(() -> {
            asking.fail("it has not answered within " + WAIT_SECONDS + " s");
            connected.channel().close();
        }, WAIT_SECONDS, TimeUnit.SECONDS);
    }

    private static String question(HttpRequest request) {
        JsonObject question = new JsonObject();
        question.addProperty("accept", request.headers().get(HttpHeaderNames.ACCEPT, ""));
        question.add("answers", InvocationCounts.allAnswers());
        question.add("under_way", InvocationCounts.allUnderWay());
        return question.toString();
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        received.writeBytes((ByteBuf) message);
        ReferenceCountUtil.release(message);
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        String text = received.toString(CharsetUtil.UTF_8);
        int end = text.indexOf('\n');
        if (end < 0) {
            fail("it gave no answer");
        } else {
            answer(Answer.text(text.substring(0, end), text.substring(end + 1)));
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        fail("it can't be read (" + cause.getMessage() + ")");
        context.close();
    }

    private void fail(String why) {
        answer(Answer.problem(
                HttpResponseStatus.SERVICE_UNAVAILABLE,
                "the metrics were asked of the process `serve`: " + why));
    }

    private void answer(Answer answer) {
        if (whenAnswered != null) {
            whenAnswered.accept(answer);
            whenAnswered = null;
        }
    }
}
