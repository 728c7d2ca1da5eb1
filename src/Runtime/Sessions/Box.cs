namespace Lorq.Runtime.Sessions;

/// <summary>Copies a part of a dense tensor that is one range in every dimension.</summary>
internal static class Box
{
    /// <summary>How many elements a shape holds.</summary>
    public static int Elements(long[] dims) => checked((int)dims.Aggregate(1L, (product, d) => product * d));

    /// <summary>Puts a whole tensor into a larger one.</summary>
    /// <param name="box">The tensor.</param>
    /// <param name="boxDims">Its lengths.</param>
    /// <param name="whole">The larger one.</param>
    /// <param name="wholeDims">Its lengths.</param>
    /// <param name="at">Where the tensor begins in it.</param>
    /// <param name="size">How many items an element has: bytes, mostly.</param>
    public static void Put<T>(ReadOnlySpan<T> box, long[] boxDims, Span<T> whole, long[] wholeDims, long[] at, int size)
    {
        (int run, int runs, int axis) = Runs(boxDims, wholeDims, size);
        for (int i = 0; i < runs; i++)
        {
            box.Slice(i * run, run).CopyTo(whole[(Offset(i, boxDims, wholeDims, at, axis) * size)..]);
        }
    }

    /// <summary>Takes a part of a tensor.</summary>
    /// <param name="whole">The tensor.</param>
    /// <param name="wholeDims">Its lengths.</param>
    /// <param name="at">Where the part begins in it.</param>
    /// <param name="box">The part.</param>
    /// <param name="boxDims">Its lengths.</param>
    /// <param name="size">How many items an element has: bytes, mostly.</param>
    public static void Take<T>(ReadOnlySpan<T> whole, long[] wholeDims, long[] at, Span<T> box, long[] boxDims, int size)
    {
        (int run, int runs, int axis) = Runs(boxDims, wholeDims, size);
        for (int i = 0; i < runs; i++)
        {
            whole.Slice(Offset(i, boxDims, wholeDims, at, axis) * size, run).CopyTo(box[(i * run)..]);
        }
    }

    /// <summary>The items that lie together in both tensors: those from the last dimension on that the box does not fill. How many there are at a time, how often, and that dimension.</summary>
    private static (int Run, int Runs, int Axis) Runs(long[] box, long[] whole, int size)
    {
        int axis = box.Length - 1;
        while (axis > 0 && box[axis] == whole[axis])
        {
            axis--;
        }
        int run = axis < 0 ? size : Elements(box[axis..]) * size;
        return (
            run,
            run == 0 ? 0
            : axis < 0 ? 1
            : Elements(box[..axis]),
            axis
        );
    }

    /// <summary>Where a run begins in the whole, in elements.</summary>
    private static int Offset(int run, long[] box, long[] whole, long[] at, int axis)
    {
        long offset = 0;
        long stride = 1;
        long rest = run;
        for (int d = box.Length - 1; d >= 0; d--)
        {
            long index = at[d];
            if (d < axis)
            {
                index += rest % box[d];
                rest /= box[d];
            }
            offset += index * stride;
            stride *= whole[d];
        }
        return checked((int)offset);
    }
}
