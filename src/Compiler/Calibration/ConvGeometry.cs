using Lorq.Onnx;

namespace Lorq.Calibration;

/// <summary>One number per spatial axis; 1-D and 2-D convolutions have neutral values in front.</summary>
internal readonly record struct Spatial(int Depth, int Height, int Width)
{
    /// <summary>Product of the three.</summary>
    public int Product => checked(Depth * Height * Width);
}

/// <summary>How a convolution (1-D to 3-D) walks over its input: what turns a feature map into the rows that meet the filter (im2col).</summary>
/// <param name="Channels">Input channels over all groups.</param>
/// <param name="Groups">Groups.</param>
/// <param name="Kernel">Kernel size.</param>
/// <param name="Stride">Strides.</param>
/// <param name="Dilation">Dilations.</param>
/// <param name="Before">Padding at the low end; ignored with <paramref name="AutoPad"/>.</param>
/// <param name="After">Padding at the high end; ignored with <paramref name="AutoPad"/>.</param>
/// <param name="AutoPad"><c>NOTSET</c>, <c>VALID</c>, <c>SAME_UPPER</c> or <c>SAME_LOWER</c>.</param>
internal sealed record ConvGeometry(
    int Channels,
    int Groups,
    Spatial Kernel,
    Spatial Stride,
    Spatial Dilation,
    Spatial Before,
    Spatial After,
    string AutoPad
)
{
    /// <summary>Length of a row for one group: channels per group times kernel, in the filter's order.</summary>
    public int K => Channels / Groups * Kernel.Product;

    /// <summary>Reads a Conv node; null for more than three spatial axes.</summary>
    /// <param name="node">The node.</param>
    /// <param name="filter">Shape of its filter, [Cout, Cin/group, kernel…].</param>
    public static ConvGeometry? Of(NodeProto node, IReadOnlyList<long> filter)
    {
        int spatial = filter.Count - 2;
        if (spatial is < 1 or > 3)
        {
            return null;
        }
        int groups = (int)(Attribute(node, "group")?.I ?? 1);
        long[] pads = Attribute(node, "pads") is { } p ? [.. p.Ints] : new long[2 * spatial];
        return new ConvGeometry(
            (int)filter[1] * groups,
            groups,
            Axes([.. filter.Skip(2)], 1),
            Axes(Ints(node, "strides", spatial), 1),
            Axes(Ints(node, "dilations", spatial), 1),
            Axes(pads[..spatial], 0),
            Axes(pads[spatial..], 0),
            Attribute(node, "auto_pad") is { } a ? a.S.ToStringUtf8() : "NOTSET"
        );
    }

    /// <summary>The rows of a batch: every <see cref="RowPlan.Step"/>-th output position of every image.</summary>
    /// <param name="shape">[N, C, spatial…].</param>
    /// <param name="most">Most rows wanted.</param>
    public RowPlan Plan(long[] shape, int most)
    {
        Spatial size = Axes(shape[2..], 1);
        (int depth, int front) = Axis(size.Depth, Kernel.Depth, Stride.Depth, Dilation.Depth, Before.Depth, After.Depth);
        (int height, int top) = Axis(size.Height, Kernel.Height, Stride.Height, Dilation.Height, Before.Height, After.Height);
        (int width, int left) = Axis(size.Width, Kernel.Width, Stride.Width, Dilation.Width, Before.Width, After.Width);
        var output = new Spatial(depth, height, width);
        int step = (int)Math.Max(1, (shape[0] * output.Product + most - 1) / most);
        // A step that shares a factor with the width would see some columns only.
        while (step > 1 && !AreCoprime(step, width))
        {
            step++;
        }
        return new RowPlan((int)shape[0], size, output, new Spatial(front, top, left), step);
    }

    /// <summary>Fills rows for one group.</summary>
    /// <param name="x">The N×C×… tensor.</param>
    /// <param name="plan">Its plan.</param>
    /// <param name="group">The group.</param>
    /// <param name="first">First row.</param>
    /// <param name="count">Rows.</param>
    /// <param name="target">Row-major count×K; every element is written.</param>
    public void Fill(ReadOnlySpan<float> x, RowPlan plan, int group, int first, int count, Span<float> target)
    {
        int channels = Channels / Groups;
        Spatial size = plan.Input;
        int plane = size.Product;
        int at = 0;
        for (int row = first; row < first + count; row++)
        {
            int image = row / plan.PerImage;
            int position = row % plan.PerImage * plan.Step;
            int x0 = position % plan.Output.Width * Stride.Width - plan.Start.Width;
            int y0 = position / plan.Output.Width % plan.Output.Height * Stride.Height - plan.Start.Height;
            int z0 = position / (plan.Output.Width * plan.Output.Height) * Stride.Depth - plan.Start.Depth;
            int channel = image * Channels + group * channels;
            for (int end = channel + channels; channel < end; channel++)
            {
                ReadOnlySpan<float> values = x.Slice(channel * plane, plane);
                for (int d = 0, z = z0; d < Kernel.Depth; d++, z += Dilation.Depth)
                {
                    for (int i = 0, y = y0; i < Kernel.Height; i++, y += Dilation.Height)
                    {
                        bool isInside = (uint)z < (uint)size.Depth && (uint)y < (uint)size.Height;
                        int line = (z * size.Height + y) * size.Width;
                        for (int j = 0, c = x0; j < Kernel.Width; j++, c += Dilation.Width)
                        {
                            target[at++] = isInside && (uint)c < (uint)size.Width ? values[line + c] : 0;
                        }
                    }
                }
            }
        }
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
        int room = size + before + after - reach;
        return (room < 0 ? 0 : room / stride + 1, before);
    }

    private static bool AreCoprime(int a, int b)
    {
        while (b != 0)
        {
            (a, b) = (b, a % b);
        }
        return a == 1;
    }

    private static AttributeProto? Attribute(NodeProto node, string name) => node.Attribute.FirstOrDefault(a => a.Name == name);

    private static long[] Ints(NodeProto node, string name, int count) =>
        Attribute(node, name) is { } a ? [.. a.Ints] : [.. Enumerable.Repeat(1L, count)];

    private static Spatial Axes(long[] values, int neutral) =>
        new(values.Length > 2 ? (int)values[^3] : neutral, values.Length > 1 ? (int)values[^2] : neutral, (int)values[^1]);
}

/// <summary>Which output positions of a batch give rows.</summary>
/// <param name="Images">N.</param>
/// <param name="Input">Spatial size of the input.</param>
/// <param name="Output">Spatial size of the output.</param>
/// <param name="Start">Padding before the first input element.</param>
/// <param name="Step">Distance between the output positions used, along the flattened output.</param>
internal sealed record RowPlan(int Images, Spatial Input, Spatial Output, Spatial Start, int Step)
{
    /// <summary>Rows per image.</summary>
    public int PerImage => (Output.Product + Step - 1) / Step;

    /// <summary>Rows in all.</summary>
    public int Rows => Images * PerImage;
}
