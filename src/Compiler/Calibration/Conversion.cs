using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Lorq.Diagnostics;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Calibration;

/// <summary>
/// Gives an array the element type of a model's input: float types into one another (rounded), integers and booleans into any
/// integer type that holds every value. Floats never become integers or the reverse: that would hide a mistake.
/// </summary>
internal static class Conversion
{
    /// <summary>Converts; the same array when nothing is to be done.</summary>
    /// <exception cref="LorqException">LORQ0412: the types do not go together, or a value does not fit.</exception>
    public static DataTensor Convert(DataTensor array, TensorSignature input, string source)
    {
        if (array.ElementType == input.ElementType)
        {
            return array;
        }
        byte[]? converted =
            IsFloat(array.ElementType) && IsFloat(input.ElementType) ? From(array, new Rounding(input.ElementType))
            : IsInteger(array.ElementType) && IsInteger(input.ElementType) ? From(array, new Checking(input, source))
            : null;
        return converted is not null
            ? array with
            {
                ElementType = input.ElementType,
                Bytes = converted,
            }
            : throw Catalogue.DataDoesNotFit.With(
                source,
                $"'{input.Name}' is {array.ElementType}, but the model wants {input.ElementType}"
            );
    }

    private interface IStep
    {
        byte[]? To<TFrom>(ReadOnlySpan<TFrom> values)
            where TFrom : unmanaged, INumber<TFrom>;
    }

    private static byte[]? From<TStep>(DataTensor array, TStep step)
        where TStep : IStep
    {
        ReadOnlySpan<byte> bytes = array.Bytes;
        return array.ElementType switch
        {
            DataType.Float => step.To(MemoryMarshal.Cast<byte, float>(bytes)),
            DataType.Double => step.To(MemoryMarshal.Cast<byte, double>(bytes)),
            DataType.Float16 => step.To(MemoryMarshal.Cast<byte, Half>(bytes)),
            DataType.Int8 => step.To(MemoryMarshal.Cast<byte, sbyte>(bytes)),
            DataType.Int16 => step.To(MemoryMarshal.Cast<byte, short>(bytes)),
            DataType.Int32 => step.To(MemoryMarshal.Cast<byte, int>(bytes)),
            DataType.Int64 => step.To(MemoryMarshal.Cast<byte, long>(bytes)),
            DataType.Uint8 or DataType.Bool => step.To(bytes),
            DataType.Uint16 => step.To(MemoryMarshal.Cast<byte, ushort>(bytes)),
            DataType.Uint32 => step.To(MemoryMarshal.Cast<byte, uint>(bytes)),
            DataType.Uint64 => step.To(MemoryMarshal.Cast<byte, ulong>(bytes)),
            _ => null,
        };
    }

    private static bool IsFloat(DataType type) => type is DataType.Float or DataType.Double or DataType.Float16;

    private static bool IsInteger(DataType type) =>
        type
            is DataType.Int8
                or DataType.Int16
                or DataType.Int32
                or DataType.Int64
                or DataType.Uint8
                or DataType.Uint16
                or DataType.Uint32
                or DataType.Uint64
                or DataType.Bool;

    /// <summary>Between float types; a value too large becomes an infinity, which the check for finite values reports.</summary>
    private readonly struct Rounding(DataType to) : IStep
    {
        public byte[]? To<TFrom>(ReadOnlySpan<TFrom> values)
            where TFrom : unmanaged, INumber<TFrom> =>
            to switch
            {
                DataType.Float => All<TFrom, float>(values),
                DataType.Double => All<TFrom, double>(values),
                _ => All<TFrom, Half>(values),
            };

        private static byte[] All<TFrom, TTo>(ReadOnlySpan<TFrom> values)
            where TFrom : unmanaged, INumber<TFrom>
            where TTo : unmanaged, INumber<TTo>
        {
            var to = new TTo[values.Length];
            TensorPrimitives.ConvertTruncating(values, to);
            return MemoryMarshal.AsBytes(to.AsSpan()).ToArray();
        }
    }

    /// <summary>Between integer types, value by value.</summary>
    private readonly struct Checking(TensorSignature input, string source) : IStep
    {
        public byte[]? To<TFrom>(ReadOnlySpan<TFrom> values)
            where TFrom : unmanaged, INumber<TFrom> =>
            input.ElementType switch
            {
                DataType.Int8 => All<TFrom, sbyte>(values),
                DataType.Int16 => All<TFrom, short>(values),
                DataType.Int32 => All<TFrom, int>(values),
                DataType.Int64 => All<TFrom, long>(values),
                DataType.Uint8 => All<TFrom, byte>(values),
                DataType.Uint16 => All<TFrom, ushort>(values),
                DataType.Uint32 => All<TFrom, uint>(values),
                DataType.Uint64 => All<TFrom, ulong>(values),
                // Booleans: 0 and 1 only.
                _ => values.IsEmpty || TensorPrimitives.Max(values) <= TFrom.One
                    ? All<TFrom, byte>(values)
                    : throw Misfit(TensorPrimitives.Max(values)),
            };

        private byte[] All<TFrom, TTo>(ReadOnlySpan<TFrom> values)
            where TFrom : unmanaged, INumber<TFrom>
            where TTo : unmanaged, INumber<TTo>
        {
            var to = new TTo[values.Length];
            for (int i = 0; i < to.Length; i++)
            {
                try
                {
                    to[i] = TTo.CreateChecked(values[i]);
                }
                catch (OverflowException)
                {
                    throw Misfit(values[i]);
                }
            }
            return MemoryMarshal.AsBytes(to.AsSpan()).ToArray();
        }

        private LorqException Misfit<T>(T value) =>
            Catalogue.DataDoesNotFit.With(source, $"'{input.Name}' holds {value}, which the model's type {input.ElementType} cannot");
    }
}
