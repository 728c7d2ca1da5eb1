using Lorq.Onnx;

namespace Lorq.Calibration;

/// <summary>How a convolution walks over its input: what turns a feature map into the rows that meet the filter (im2col). 1-D is 2-D of height 1.</summary>
/// <param name="Channels">Input channels over all groups.</param>
/// <param name="Groups">Groups.</param>
/// <param name="Kernel">Height and width.</param>
/// <param name="Stride">Vertical and horizontal.</param>
/// <param name="Dilation">Vertical and horizontal.</param>
/// <param name="Pads">Top, left, bottom, right; ignored with <paramref name="AutoPad"/>.</param>
/// <param name="AutoPad"><c>NOTSET</c>, <c>VALID</c>, <c>SAME_UPPER</c> or <c>SAME_LOWER</c>.</param>
internal sealed record ConvGeometry(
    int Channels,
    int Groups,
    (int H, int W) Kernel,
    (int H, int W) Stride,
    (int H, int W) Dilation,
    (int Top, int Left, int Bottom, int Right) Pads,
    string AutoPad
)
{
    /// <summary>Length of a row for one group: channels per group times kernel, in the filter's order.</summary>
    public int K => Channels / Groups * Kernel.H * Kernel.W;

    /// <summary>Reads a Conv node; null for 3-D convolutions.</summary>
    public static ConvGeometry? Of(NodeProto node, IReadOnlyList<long> filter)
    {
        int spatial = filter.Count - 2;
        if (spatial is < 1 or > 2)
        {
            return null;
        }
        int groups = (int)(Attribute(node, "group")?.I ?? 1);
        long[] pads = Attribute(node, "pads") is { } p ? [.. p.Ints] : new long[2 * spatial];
        return new ConvGeometry(
            (int)filter[1] * groups,
            groups,
            Pair([.. filter.Skip(2)], spatial),
            Pair(Ints(node, "strides", spatial), spatial),
            Pair(Ints(node, "dilations", spatial), spatial),
            spatial == 1 ? (0, (int)pads[0], 0, (int)pads[1]) : ((int)pads[0], (int)pads[1], (int)pads[2], (int)pads[3]),
            Attribute(node, "auto_pad") is { } a ? a.S.ToStringUtf8() : "NOTSET"
        );
    }

    /// <summary>
    /// Fills rows for one group: the patches at every <paramref name="step"/>-th output position of every image of an
    /// N×C×H×W tensor.
    /// </summary>
    /// <returns>Row-major rows×K.</returns>
    public float[] Rows(ReadOnlySpan<float> x, long[] shape, int group, int step)
    {
        (int images, int height, int width) = ((int)shape[0], shape.Length == 4 ? (int)shape[2] : 1, (int)shape[^1]);
        ((int outH, int outW), (int top, int left)) = Output(height, width);
        int positions = outH * outW;
        int perImage = (positions + step - 1) / step;
        var rows = new float[(long)images * perImage * K];
        int channels = Channels / Groups;
        int at = 0;
        for (int n = 0; n < images; n++)
        {
            ReadOnlySpan<float> image = x.Slice((n * Channels + group * channels) * height * width, channels * height * width);
            for (int position = 0; position < positions; position += step)
            {
                int y0 = position / outW * Stride.H - top;
                int x0 = position % outW * Stride.W - left;
                for (int c = 0; c < channels; c++)
                {
                    ReadOnlySpan<float> plane = image.Slice(c * height * width, height * width);
                    for (int i = 0; i < Kernel.H; i++)
                    {
                        int row = y0 + i * Dilation.H;
                        for (int j = 0; j < Kernel.W; j++, at++)
                        {
                            int column = x0 + j * Dilation.W;
                            if ((uint)row < (uint)height && (uint)column < (uint)width)
                            {
                                rows[at] = plane[row * width + column];
                            }
                        }
                    }
                }
            }
        }
        return rows;
    }

    /// <summary>Output positions of one image.</summary>
    public int Positions(long[] shape)
    {
        ((int h, int w), _) = Output(shape.Length == 4 ? (int)shape[2] : 1, (int)shape[^1]);
        return h * w;
    }

    private ((int H, int W) Size, (int Top, int Left) Start) Output(int height, int width)
    {
        (int h, int top) = Axis(height, Kernel.H, Stride.H, Dilation.H, Pads.Top, Pads.Bottom);
        (int w, int left) = Axis(width, Kernel.W, Stride.W, Dilation.W, Pads.Left, Pads.Right);
        return ((h, w), (top, left));
    }

    private (int Size, int Start) Axis(int size, int kernel, int stride, int dilation, int before, int after)
    {
        int reach = (kernel - 1) * dilation + 1;
        if (AutoPad is "SAME_UPPER" or "SAME_LOWER")
        {
            int output = (size + stride - 1) / stride;
            int total = Math.Max(0, (output - 1) * stride + reach - size);
            return (output, AutoPad == "SAME_UPPER" ? total / 2 : total - total / 2);
        }
        (before, after) = AutoPad == "VALID" ? (0, 0) : (before, after);
        return (Math.Max(0, (size + before + after - reach) / stride + 1), before);
    }

    private static AttributeProto? Attribute(NodeProto node, string name) => node.Attribute.FirstOrDefault(a => a.Name == name);

    private static long[] Ints(NodeProto node, string name, int count) =>
        Attribute(node, name) is { } a ? [.. a.Ints] : [.. Enumerable.Repeat(1L, count)];

    private static (int H, int W) Pair(long[] values, int spatial) => spatial == 1 ? (1, (int)values[0]) : ((int)values[0], (int)values[1]);
}
